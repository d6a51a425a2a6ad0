"""Averages: micro means over queries, and macro means over labels of the mean over a label's queries."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from cbir.evaluation.hits import counted_neighbors


def mean_over_queries(values: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Micro and macro mean of each column.

    values: (queries, columns) float; NaN is left out of its column. labels: (queries,) int codes. Returns (columns,)
    arrays by average. "micro" is the mean over queries, "macro" the mean over labels of the mean over a label's
    queries. NaN where a column has no value.

    >>> means = mean_over_queries(np.array([[1.0], [1.0], [0.0]]), np.array([0, 0, 1]))
    >>> means["micro"].round(3), means["macro"]
    (array([0.667]), array([0.5]))
    """
    known = ~np.isnan(values)
    number = int(labels.max()) + 1
    member = csr_array((np.ones(len(labels)), labels, np.arange(len(labels) + 1)), (len(labels), number))
    sums, counts = member.T @ np.where(known, values, 0), member.T @ known.astype(np.float64)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return {
        "micro": divide(sums.sum(axis=0), counts.sum(axis=0)),
        "macro": divide(means.sum(axis=0), (counts > 0).sum(axis=0)),
    }


@dataclass(frozen=True)
class LabelTotals:
    """Sums over each label's queries, from which means and spreads of precision at k follow exactly.

    The sums are integers, so the totals of blocks of queries add up without rounding. queries: (labels,) int, the
    label's queries. hits, squares: (labels, depth) int, sums over the label's queries of Hits.counts and of their
    squares.
    """

    queries: np.ndarray
    hits: np.ndarray
    squares: np.ndarray

    def __add__(self, other: "LabelTotals") -> "LabelTotals":
        """The totals of the queries of both."""
        return LabelTotals(self.queries + other.queries, self.hits + other.hits, self.squares + other.squares)


def no_totals(labels: int, depth: int) -> LabelTotals:
    """The totals of no queries, to which those of blocks are added."""
    return LabelTotals(*(np.zeros(shape, np.int64) for shape in (labels, (labels, depth), (labels, depth))))


def total_hits(counts: np.ndarray, labels: np.ndarray, number: int) -> LabelTotals:
    """The totals of each label's queries.

    counts: (queries, depth) int, as Hits.counts. labels: (queries,) int codes below `number`.

    >>> total_hits(np.array([[1, 2], [0, 1]]), np.array([0, 0]), 1).hits
    array([[1, 3]])
    """
    member = csr_array((np.ones(len(labels), np.int64), labels, np.arange(len(labels) + 1)), (len(labels), number))
    return LabelTotals(np.bincount(labels, minlength=number), member.T @ counts, member.T @ counts**2)


def label_means(totals: LabelTotals, available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Mean precision of each label's queries at each of some depths: (labels, depths) float64.

    available: (labels,) int, index images with the label. depths: (depths,) int, at most the depth of the totals. NaN
    for labels without a query or without an index image.

    >>> label_means(total_hits(np.array([[1, 2], [0, 1]]), np.array([0, 0]), 1), np.array([5]), np.array([1, 2]))
    array([[0.5 , 0.75]])
    """
    counted = totals.queries[:, None] * counted_neighbors(available, depths)
    return divide(totals.hits[:, depths - 1], counted)


def summarize_precision(totals: LabelTotals, available: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Mean and standard deviation of precision at every k, micro and macro.

    available: (labels,) int, index images with the label. Labels without an index image or without a query are left
    out. Returns (depth,) arrays by (average, metric). Micro precision is the mean over queries, and its precision_std
    is their standard deviation. Macro precision is the mean over labels of the mean over a label's queries, and its
    precision_std is the mean over labels of the labels' own standard deviations, without the labels that have a single
    query. Both deviations divide by the number of queries less one. NaN where no query is left. Denner et al. 2025,
    section 3.3.
    """
    scored = (totals.queries > 0) & (available > 0)
    hits, squares, queries = totals.hits[scored], totals.squares[scored], totals.queries[scored][:, None]
    counted = counted_neighbors(available[scored], np.arange(1, hits.shape[1] + 1))
    mean = hits / (queries * counted)
    # The queries of a label have the same denominator, so this is a difference of integers and loses no digits.
    deviations = (queries * squares - hits**2) / (queries * counted**2)
    several = queries[:, 0] > 1
    with np.errstate(invalid="ignore"):
        micro = (queries * mean).sum(axis=0) / queries.sum()
        variance = (deviations + queries * (mean - micro) ** 2).sum(axis=0) / max(queries.sum() - 1, 0)
        spread = np.sqrt(deviations[several] / (queries[several] - 1)).sum(axis=0) / several.sum()
        macro = mean.sum(axis=0) / len(mean)
    return {
        ("micro", "precision"): micro,
        ("micro", "precision_std"): np.sqrt(variance),
        ("macro", "precision"): macro,
        ("macro", "precision_std"): spread,
    }


def divide(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """parts / whole, NaN where whole is 0.

    >>> divide(np.array([1, 0]), np.array([4, 0]))
    array([0.25,  nan])
    """
    return np.divide(parts, whole, out=np.full(np.broadcast_shapes(parts.shape, whole.shape), np.nan), where=whole > 0)
