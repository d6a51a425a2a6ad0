"""Randomization tests by patient of the difference of two models, and the intervals that agree with them."""

import numpy as np

FLIPS = 9999  # random sign flips of a test; the smallest p value is 1 / 10,000
LEVEL = 0.05  # an interval leaves out the differences whose p is this or less
BLOCK = 8_000_000  # float64 signs of patients in flips that are held at once: 64 MB
ROUNDING = 1e-12  # two differences that are no further apart may be equal but for rounding
DECIMALS = 10  # of the ends of an interval; hides what ROUNDING adds


def flip_sums(by_patient: np.ndarray, seed: int) -> np.ndarray:
    """Sums over patients with random signs, the same for all columns: (FLIPS, columns) float64.

    by_patient: (patients, columns) float.

    >>> np.unique(flip_sums(np.array([[0.25], [0.5]]), seed=0))
    array([-0.75, -0.25,  0.25,  0.75])
    """
    generator = np.random.default_rng([seed, 1])
    sums = np.empty((FLIPS, by_patient.shape[1]))
    block = max(1, BLOCK // len(by_patient))
    for start in range(0, FLIPS, block):
        part = sums[start : start + block]
        signs = generator.integers(0, 2, (len(part), len(by_patient)), dtype=np.int8)
        np.matmul(2.0 * signs - 1, by_patient, out=part)
    return sums


def run_randomization_test(
    difference: np.ndarray, flipped: np.ndarray, flipped_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p values of two-sided randomization tests by patient, and the ends of the 95 % intervals that agree with them.

    difference: (columns,) float, differences of two means of values from 0 to 1. flipped: (flips, columns) float, sums
    of the patients' parts of the difference after random flips of their signs, as flip_sums returns them.
    flipped_weight: (flips,) float, sums of the patients' weights in the mean after the same flips. The weights
    themselves sum to 1.

    If the models were interchangeable, each patient's part could as well have the other sign. p is the share of flips,
    with the data themselves as one of them, whose difference is as large or larger: Smucker, Allan and Carterette 2007,
    section 3.3. The interval holds the differences that the same test does not reject after they were subtracted from
    the patients' parts, from each according to its weight: Ernst 2004, "Permutation Methods: A Basis for Exact
    Inference". p is therefore LEVEL or less exactly where the interval leaves out 0. Of five patients or
    fewer, no difference can be rejected, and the interval is -1 to 1.

    Returns p, the lower and the upper ends, (columns,) each.

    >>> parts = np.full((20, 1), 0.01)  # one model is better in each of 20 patients of equal weight
    >>> p, low, high = run_randomization_test(np.array([0.2]), flip_sums(parts, 0), flip_sums(parts * 5, 0)[:, 0])
    >>> p, low, high
    (array([0.0001]), array([0.2]), array([0.2]))
    """
    size = np.abs(difference) - ROUNDING
    p = (1 + (np.abs(flipped) >= size).sum(axis=0)) / (len(flipped) + 1)
    # A flip reaches the observed difference less a shift for all shifts between two: there both have the same size.
    less, more = (np.maximum(1 + sign * flipped_weight, 0)[:, None] for sign in (-1, 1))
    needed = int(LEVEL * (len(flipped) + 1))  # flips that must reach a difference that is not rejected
    ends = []
    for sign in (1, -1):
        own, other = sign * difference - ROUNDING, sign * flipped
        with np.errstate(divide="ignore"):
            reached = np.minimum((own - other) / less, (own + other) / more)
        end = np.partition(reached, needed - 1, axis=0)[needed - 1]
        ends.append(np.clip(sign * end, -1, 1).round(DECIMALS) + 0.0)  # not -0
    return p, *ends
