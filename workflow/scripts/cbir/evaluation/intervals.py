"""Confidence intervals of means, with patients as the unit, because images of one patient are not independent."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import betaincinv, ndtri, stdtrit

CONFIDENCE = 0.95
CORRELATION = 0.5  # correlation of two images of one patient that is assumed where the data say nothing about it
HALF = 0.5  # hits and misses that are added, as in the prior of Jeffreys
ROUNDING = 1e-12  # a mean that is no further from 0 or 1 may be equal to it but for rounding
MOST_FREEDOM = 1e9  # degrees of freedom from which on t and normal quantiles are equal


@dataclass(frozen=True)
class MeanEstimate:
    """A mean with what its interval needs.

    mean, variance: (columns,) float, the mean and the variance of its error. patients: the number of independent
    patients of equal weight that would give as precise a mean. freedom: degrees of freedom of the variance.
    """

    mean: np.ndarray
    variance: np.ndarray
    patients: float
    freedom: float


def interval_of_means(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> dict[str, np.ndarray]:
    """The 95 % intervals of the micro and the macro mean of each column.

    values: (queries, columns) float from 0 to 1. A query that has no value is NaN in all columns and is left out.
    labels, patients: (queries,) int codes from 0. "micro" is the mean over queries, "macro" the mean over labels of the
    mean over a label's queries.

    Returns the lower and the upper ends, (2, columns), by average. An interval contains the mean and always has a
    width. NaN where fewer than two patients have a value, because one patient says nothing about others. Raises
    ValueError for a query with a value in some columns only.

    >>> ends = interval_of_means(np.ones((50, 1)), labels=np.zeros(50, int), patients=np.arange(50))
    >>> ends["micro"].ravel().round(3)
    array([0.951, 1.   ])
    """
    missing = np.isnan(values)
    if (missing.any(axis=1) != missing.all(axis=1)).any():
        raise ValueError("a query has a value in some columns only")
    scored = ~missing.any(axis=1)
    values, patient = values[scored], np.unique(patients[scored], return_inverse=True)[1]
    if patient.max(initial=0) < 1:
        return {average: np.full((2, values.shape[1]), np.nan) for average in ("micro", "macro")}
    groups = {"micro": np.zeros(len(patient), np.int64), "macro": np.unique(labels[scored], return_inverse=True)[1]}
    return {average: mean_interval(estimate_mean(values, group, patient)) for average, group in groups.items()}


def count_labels_of_one_patient(labels: np.ndarray, patients: np.ndarray) -> int:
    """How many labels have queries of a single patient; labels, patients: (queries,) int codes.

    >>> count_labels_of_one_patient(np.array([0, 0, 1, 1]), np.array([5, 6, 6, 6]))
    1
    """
    pairs = np.unique(np.column_stack([labels, patients]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] == 1).sum())


def estimate_mean(values: np.ndarray, groups: np.ndarray, patients: np.ndarray) -> MeanEstimate:
    """The mean over groups of the mean over a group's queries, with the variance between patients.

    values: (queries, columns) float. groups, patients: (queries,) int codes from 0 without gaps, of at least two
    patients. A single group makes it the mean over queries.

    The variance sums the squares of the patients' deviations from the means of their groups: linearization of a
    stratified mean, Cochran 1977, section 11.7, with patients as clusters. Deviations of few patients are too small,
    the more so the more one of them weighs. The variance within each group is therefore multiplied by the factor that
    makes it right on average if two images of one patient have the CORRELATION. A group of one patient has no deviation
    of its own: the patient is compared with the mean of all groups, which is too wide rather than too narrow where
    groups differ (option `adjust` for a lonely unit in Lumley's R package survey). The degrees of freedom are those of
    Satterthwaite 1946, where each group has its patients less one.
    """
    number = int(patients.max()) + 1
    cells, place, images = np.unique(groups * number + patients, return_inverse=True, return_counts=True)
    group, patient = np.divmod(cells, number)  # of each cell: the images of one patient in one group
    size, members = np.bincount(group, images), np.bincount(group)
    sums = _sum_rows(values, place, len(cells))
    means = _sum_rows(sums, group, len(size)) / size[:, None]
    mean, alone = means.mean(axis=0), members == 1

    share = images / size[group]
    own = CORRELATION + (1 - CORRELATION) / images  # assumed variance of the mean of a patient's images
    square, cube, plain = (np.bincount(group, part) for part in (share**2 * own, share**3 * own, share**2))
    found = np.where(alone, square * (len(size) - 1) / len(size), square * (1 + plain) - 2 * cube)
    factor = square / found  # assumed variance of each group's mean, over what the deviations find of it on average

    centre = np.where(alone[:, None], mean, means)
    weight = 1 / (size * len(size))  # of a query of each group
    deviations = (sums - images[:, None] * centre[group]) * (np.sqrt(factor) * weight)[group][:, None]
    by_patient = np.bincount(patient, images * weight[group])
    return MeanEstimate(
        mean=mean,
        variance=np.square(_sum_rows(deviations, patient, number)).sum(axis=0),
        patients=1 / (CORRELATION * np.sum(by_patient**2) + (1 - CORRELATION) * np.sum(images * weight[group] ** 2)),
        freedom=min(square.sum() ** 2 / np.sum(square**2 / np.maximum(members - 1, 1)), number - 1),
    )


def mean_interval(estimate: MeanEstimate) -> np.ndarray:
    """Lower and upper ends of the 95 % interval of a mean of values from 0 to 1: (2, columns).

    The interval is that of Jeffreys for a proportion, with the number of observations that would give the variance of
    the mean: Dean and Pagano 2015, and Korn and Graubard 1998 for the correction by degrees of freedom. Near 0 and 1
    that number cannot be estimated, since nearly all patients agree. It is therefore drawn towards the number of
    patients by adding half a hit or miss to the observed and to the expected variance, and this part of the variance
    has no uncertainty. Where nearly all patients agree and the images of a patient correlate by far more than the
    CORRELATION, intervals are too narrow. With one image per patient and no miss it is the interval of Jeffreys itself,
    except that its upper end is 1, as in Brown, Cai and DasGupta 2001, section 4.1.

    >>> mean_interval(MeanEstimate(np.array([0.5]), np.array([0.0025]), patients=100, freedom=99)).round(2)
    array([[0.4],
           [0.6]])
    """
    mean, tail = np.clip(estimate.mean, 0, 1), (1 - CONFIDENCE) / 2
    expected, added = mean * (1 - mean), HALF / estimate.patients
    effective = estimate.patients * (expected + added) / (estimate.patients * estimate.variance + added)
    with np.errstate(divide="ignore"):
        freedom = np.minimum(estimate.freedom * (1 + added / expected) ** 2, MOST_FREEDOM)
    effective *= (ndtri(tail) / stdtrit(freedom, tail)) ** 2
    hits, misses = effective * mean + HALF, effective * (1 - mean) + HALF
    low, high = betaincinv(hits, misses, tail), betaincinv(hits, misses, 1 - tail)
    return np.stack(
        [
            np.where(mean <= ROUNDING, 0, np.minimum(low, mean)),
            np.where(mean >= 1 - ROUNDING, 1, np.maximum(high, mean)),
        ]
    )


def _sum_rows(values: np.ndarray, codes: np.ndarray, number: int) -> np.ndarray:
    """Sums of the rows of each code: (rows, columns) to (number, columns), in the order of the rows."""
    member = csr_array((np.ones(len(codes)), codes, np.arange(len(codes) + 1)), (len(codes), number))
    return member.T @ values
