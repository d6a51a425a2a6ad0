"""Confidence intervals by resampling patients: images of one patient are not independent."""

import warnings

import numpy as np

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
    groups = [_label_sums(*level, patients) for level in zip(values, labels, strict=True)]
    micro, macro = np.full((2, levels, draws, columns), np.nan)
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK // number)
    for start in range(0, draws, block):
        stop = min(start + block, draws)
        weights = _draw_weights(generator, number, stop - start)
        for level, sums in enumerate(groups):
            if sums:
                micro[level, start:stop], macro[level, start:stop] = _weighted_means(sums, weights)
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


def _label_sums(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each label its patients, and the sums of their values with, behind them, the count: (patients, columns + 1).

    Empty where fewer than two patients have a value.
    """
    scored = np.flatnonzero(~np.isnan(values).any(axis=1))
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
    """How often each draw takes each patient: (patients, draws) float64, every column's sum is `patients`."""
    taken = generator.integers(patients, size=(patients, draws))
    taken *= draws
    taken += np.arange(draws)
    return np.bincount(taken.ravel(), minlength=patients * draws).reshape(patients, draws).astype(np.float64)


def _weighted_means(groups: list[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Micro and macro means, each (draws, columns), of the labels' sums under the weights (patients, draws)."""
    total, means, present = 0, 0, 0
    for patients, sums in groups:
        drawn = sums.T @ weights[patients]
        count = drawn[-1]
        total += drawn
        means += np.divide(drawn[:-1], count, out=np.zeros_like(drawn[:-1]), where=count > 0)
        present += count > 0
    with np.errstate(invalid="ignore"):
        return (total[:-1] / total[-1]).T, (means / present).T
