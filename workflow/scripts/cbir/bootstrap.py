"""Confidence intervals by resampling patients: images of one patient are not independent."""

import warnings

import numpy as np
from scipy.sparse import coo_array, csr_array

BLOCK = 8_000_000  # float64 weights of patients in draws held at once: 64 MB


def bootstrap_means(
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Micro and macro means of as many samples of patients, drawn with replacement, as `draws` says.

    values: (levels, queries, columns) float; a query that has no value at a level is NaN in all columns and left out
    there. labels: (levels, queries) int codes, for the macro mean. patients: (queries,) int codes from 0.

    A draw takes all queries of a patient as often as it takes the patient; it is the same for all levels and columns,
    and for other values of the same queries with the same seed. Returns (levels, draws, columns) by average: "micro"
    is the mean over the draw's queries, "macro" the mean over its labels of the mean over a label's queries; a label
    that a draw misses is left out of that draw. NaN where a draw holds no query with a value, and at a level where
    fewer than two patients have any: one patient says nothing of others. Davison and Hinkley 1997, section 3.8
    (resampling whole clusters).
    """
    levels, _, columns = values.shape
    number = int(patients.max()) + 1
    sums = [_label_sums(*level, patients, number) for level in zip(values, labels, strict=True)]
    micro, macro = np.full((2, levels, draws, columns), np.nan)
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK // max(number, *(matrix.shape[0] for matrix in sums)))
    for start in range(0, draws, block):
        stop = min(start + block, draws)
        weights = _draw_weights(generator, number, stop - start)
        for level, matrix in enumerate(sums):
            if matrix.shape[0]:
                micro[level, start:stop], macro[level, start:stop] = _weighted_means(matrix @ weights, columns)
    return {"micro": micro, "macro": macro}


def percentile_interval(means: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the percentile interval: (draws, columns) to two of (columns,).

    Draws that are NaN are left out; NaN where none is left. Efron and Tibshirani 1993, section 13.3.
    """
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(means, ends, axis=0) if len(means) else np.full((2, means.shape[1]), np.nan)
    return low, high


def _label_sums(values: np.ndarray, labels: np.ndarray, patients: np.ndarray, number: int) -> csr_array:
    """Sums of each label's values, and their count, by patient: (labels * (columns + 1), patients)."""
    scored = ~np.isnan(values).any(axis=1)
    values, patients = values[scored], patients[scored]
    if len(np.unique(patients)) < 2:
        return csr_array((0, number))
    names, codes = np.unique(labels[scored], return_inverse=True)
    width = values.shape[1] + 1
    rows = codes[:, None] * width + np.arange(width)
    cells = np.column_stack([values, np.ones(len(values))])
    patients = np.broadcast_to(patients[:, None], rows.shape)
    return coo_array((cells.ravel(), (rows.ravel(), patients.ravel())), (len(names) * width, number)).tocsr()


def _draw_weights(generator: np.random.Generator, patients: int, draws: int) -> np.ndarray:
    """How often each draw takes each patient: (patients, draws) float64, every column's sum is `patients`."""
    taken = generator.integers(patients, size=(patients, draws))
    taken *= draws
    taken += np.arange(draws)
    return np.bincount(taken.ravel(), minlength=patients * draws).reshape(patients, draws).astype(np.float64)


def _weighted_means(totals: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Micro and macro means, each (draws, columns), of the totals (labels * (columns + 1), draws) of some draws."""
    totals = totals.reshape(-1, columns + 1, totals.shape[1])
    sums, counts = totals[:, :-1], totals[:, -1:]
    with np.errstate(invalid="ignore"):
        micro = sums.sum(axis=0) / counts.sum(axis=0)
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        macro = means.sum(axis=0) / (counts > 0).sum(axis=0)
    return micro.T, macro.T
