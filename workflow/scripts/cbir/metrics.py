"""Retrieval metrics as array functions: hits of each query's ranking in, figures at every k out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


def count_hits(hits: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Hits among each query's first min(k, n) neighbors, for every k from 1 to the depth at once.

    hits: (queries, depth) bool, the neighbor carries the query's label, best neighbor first. available: (queries,)
    int, n, index images with the query's label. Returns (queries, depth) int64.
    """
    return np.cumsum(hits & (np.arange(hits.shape[1]) < available[:, None]), axis=1, dtype=np.int64)


def counted_neighbors(available: np.ndarray, depth: int) -> np.ndarray:
    """min(k, n), the denominator of precision at k, for k from 1 to `depth`: (queries,) int to (queries, depth)."""
    return np.minimum(np.arange(1, depth + 1), available[:, None])


def precision_at_every_k(counts: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Share of each query's first min(k, n) neighbors that carry its label, for every k from 1 to the depth.

    counts: (queries, depth) int, as count_hits gives them. available: (queries,) int, n, index images with the
    query's label. Returns (queries, depth) float64; NaN where n is 0: such a query has nothing to find, its precision
    is 0/0 and it is left out of every mean. Denner et al. 2025, section 3.3.
    """
    with np.errstate(invalid="ignore"):
        return counts / counted_neighbors(available, counts.shape[1])


@dataclass(frozen=True)
class LabelTotals:
    """What means and spreads of precision at k need of each label; totals of blocks of queries add up exactly.

    queries: (labels,) int, the label's queries. hits, squares: (labels, depth) int, sums over the label's queries of
    the counted hits and of their squares.
    """

    queries: np.ndarray
    hits: np.ndarray
    squares: np.ndarray

    def __add__(self, other: "LabelTotals") -> "LabelTotals":
        """The totals of both blocks' queries."""
        return LabelTotals(self.queries + other.queries, self.hits + other.hits, self.squares + other.squares)


def total_hits(counts: np.ndarray, labels: np.ndarray, number: int) -> LabelTotals:
    """The totals of each label's queries.

    counts: (queries, depth) int, as count_hits gives them. labels: (queries,) int codes below `number`.
    """
    member = csr_array((np.ones(len(labels), np.int64), labels, np.arange(len(labels) + 1)), (len(labels), number))
    return LabelTotals(np.bincount(labels, minlength=number), member.T @ counts, member.T @ counts**2)


def summarize_precision(totals: LabelTotals, available: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Mean and standard deviation of precision at every k, micro and macro.

    available: (labels,) int, index images with the label; labels with none are left out, as are labels without a
    query. Returns (depth,) arrays by (average, metric): micro precision is the mean over queries, its
    precision_std their standard deviation; macro precision is the mean over labels of the mean over a label's
    queries, its precision_std the mean over labels of the labels' own standard deviation, labels with a single query
    left out. Both deviations divide by the number of queries less one. NaN where no query is left. Denner et al. 2025,
    section 3.3.
    """
    scored = (totals.queries > 0) & (available > 0)
    hits, squares, queries = totals.hits[scored], totals.squares[scored], totals.queries[scored][:, None]
    counted = counted_neighbors(available[scored], hits.shape[1])
    mean = hits / (queries * counted)
    # A label's queries share their denominator, so that this difference is one of integers: nothing cancels.
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
