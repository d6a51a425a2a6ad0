"""Confidence intervals by resampling patients, because images of one patient are not independent."""

import warnings
from collections.abc import Sequence

import numpy as np

BLOCK = 8_000_000  # float64 weights of patients in draws that are held at once: 64 MB


def bootstrap_means(
    samples: Sequence[tuple[np.ndarray, np.ndarray]], patients: np.ndarray, draws: int, seed: int
) -> list[dict[str, np.ndarray]]:
    """Micro and macro means of random resamples of the patients.

    samples: pairs of values, (queries, columns) float, and labels, (queries,) int codes for the macro mean; each pair
    is of the same queries. A query that has no value in a sample is NaN in all of its columns, and is left out there.
    patients: (queries,) int codes from 0.

    Each draw resamples patients with replacement; all queries of a patient are taken together. With the same seed the
    same patients are drawn for every sample and column, and in other calls for the same queries, so results can be
    compared in pairs.

    Returns for each sample (draws, columns) means by average. "micro" is the mean over the draw's queries. "macro" is
    the mean over the draw's labels of the mean over a label's queries; a label without a query in the draw is left out.
    NaN where a draw holds no query with a value. NaN throughout where fewer than two patients have a value, because
    one patient says nothing about others. Raises ValueError for a query with a value in some columns only. Davison and
    Hinkley 1997, section 3.8 (resampling whole clusters).

    >>> sample = np.array([[1.0], [0.0], [1.0]]), np.array([0, 0, 0])
    >>> (means,) = bootstrap_means([sample], patients=np.array([0, 0, 1]), draws=4, seed=0)
    >>> means["micro"].shape, set(means["micro"].ravel()) <= {0.5, 2 / 3, 1.0}
    ((4, 1), True)
    """
    number = int(patients.max()) + 1
    groups = [_sum_by_label(values, labels, patients) for values, labels in samples]
    means = [
        {average: np.full((draws, values.shape[1]), np.nan) for average in ("micro", "macro")} for values, _ in samples
    ]
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK // number)
    for start in range(0, draws, block):
        part = slice(start, min(start + block, draws))
        weights = _draw_weights(generator, number, part.stop - part.start)
        for mean, sums in zip(means, groups, strict=True):
            if sums:
                mean["micro"][part], mean["macro"][part] = _weighted_means(sums, weights)
    return means


def percentile_interval(means: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the percentile interval: (draws, columns) to two of (columns,).

    Draws that are NaN are left out; NaN where none is left. Efron and Tibshirani 1993, section 13.3.

    >>> low, high = percentile_interval(np.arange(101.0)[:, None])
    >>> low.round(1), high.round(1)
    (array([2.5]), array([97.5]))
    """
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(means, ends, axis=0) if len(means) else np.full((2, means.shape[1]), np.nan)
    return low, high


def _sum_by_label(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each label the codes of its patients, and their sums: (patients, columns + 1).

    The last column counts the patient's queries with the label, the others sum their values. Empty where fewer than
    two patients have a value.
    """
    missing = np.isnan(values)
    if (missing.any(axis=1) != missing.all(axis=1)).any():
        raise ValueError("a query has a value in some columns only")
    scored = np.flatnonzero(~missing.any(axis=1))
    if len(np.unique(patients[scored])) < 2:
        return []
    order = scored[np.lexsort([patients[scored], labels[scored]])]
    cells = np.column_stack([values[order], np.ones(len(order))])
    label, patient = labels[order], patients[order]
    first = np.flatnonzero(np.diff(label, prepend=-1) | np.diff(patient, prepend=-1))
    sums = np.add.reduceat(cells, first)
    edges = np.flatnonzero(np.diff(label[first])) + 1
    return list(zip(np.split(patient[first], edges), np.split(sums, edges), strict=True))


def _draw_weights(generator: np.random.Generator, patients: int, draws: int) -> np.ndarray:
    """How often each draw takes each patient: (patients, draws) float64; the sum of each column is `patients`."""
    taken = generator.integers(patients, size=(patients, draws))  # each column is one draw
    cells = taken * draws + np.arange(draws)  # places in the flattened result
    return np.bincount(cells.ravel(), minlength=patients * draws).reshape(patients, draws).astype(np.float64)


def _weighted_means(groups: list[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Micro and macro means, (draws, columns) each; groups: of _sum_by_label, weights: (patients, draws)."""
    total, means, present = 0, 0, 0
    for patients, sums in groups:
        drawn = sums.T @ weights[patients]
        count = drawn[-1]
        total += drawn
        means += np.divide(drawn[:-1], count, out=np.zeros_like(drawn[:-1]), where=count > 0)
        present += count > 0
    with np.errstate(invalid="ignore"):
        return (total[:-1] / total[-1]).T, (means / present).T
