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


def average_precision(hits: np.ndarray, available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Average precision at each of some depths k: the sum of the precisions at the hits' ranks up to k, over min(k, n).

    hits: (queries, depth) bool, as for count_hits. available: (queries,) int, n. depths: (depths,) int. Returns
    (queries, depths); 1 for a perfect ranking, NaN where n is 0. Philbin et al. 2007, section 3.2, cut at k.
    """
    ranks = np.arange(1, hits.shape[1] + 1)
    precisions = np.cumsum(hits, axis=1) / ranks
    sums = np.cumsum(np.where(hits, precisions, 0), axis=1)[:, depths - 1]
    return _divide(sums, np.minimum(depths, available[:, None]))


def normalized_gain(hits: np.ndarray, available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """nDCG at each of some depths, a hit's gain 1: arguments and result as for average_precision.

    A hit at rank i counts 1 / log2(i + 1), and the sum is divided by that of a perfect ranking. Järvelin and Kekäläinen
    2002, section 2.2, with the discount of Burges et al. 2005.
    """
    discounts = rank_discounts(hits.shape[1])
    gains = np.cumsum(np.where(hits, discounts, 0), axis=1)[:, depths - 1]
    ideal = np.append(0, np.cumsum(discounts))
    return _divide(gains, ideal[np.minimum(depths, available[:, None])])


def rank_discounts(depth: int) -> np.ndarray:
    """1 / log2(i + 1) for the ranks i from 1 to `depth`."""
    return 1 / np.log2(np.arange(2, depth + 2))


def reciprocal_rank(hits: np.ndarray, available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """One over the rank of the first hit, 0 where it lies beyond k: arguments and result as for average_precision."""
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)[:, None]
    return np.where(available[:, None] > 0, (first <= depths) / first, np.nan)


def recall(hits: np.ndarray, available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Share of the n images to be found that are among the first k: arguments and result as for average_precision."""
    return _divide(np.cumsum(hits, axis=1)[:, depths - 1], available[:, None])


def r_precision(hits: np.ndarray, available: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Precision at n, the number of images to be found.

    hits: (queries, depth) bool. available: (queries,) int, n. known: (queries,) int, up to which rank a query's ranking
    is known. Returns (queries, 1); NaN where n is 0 or lies beyond what is known. Manning et al. 2008, section 8.4.
    """
    counts = count_hits(hits, available)[:, -1:]
    known = (available > 0) & (available <= known)
    return np.where(known[:, None], _divide(counts, available[:, None]), np.nan)


def majority_vote(voted: np.ndarray, labels: np.ndarray, number: int, depths: np.ndarray) -> np.ndarray:
    """Whether the first k neighbors elect the query's label, at each of some depths: (queries, depths) float, 1 or 0.

    voted: (queries, depth) int, labels of the neighbors, codes below `number`, -1 for no neighbor. labels: (queries,)
    int. Of labels with as many votes, that of the nearest neighbor among them wins.
    """
    rows = np.arange(len(voted))
    right = np.empty((len(voted), len(depths)))
    for column, depth in enumerate(depths):
        first = voted[:, :depth]
        ballots = (first + 1 + rows[:, None] * (number + 1)).ravel()
        votes = np.bincount(ballots, minlength=len(voted) * (number + 1)).reshape(len(voted), number + 1)
        votes[:, 0] = 0  # those of no neighbor
        nearest = np.take_along_axis(votes, first + 1, axis=1).argmax(axis=1)  # the first of the most votes
        right[:, column] = first[rows, nearest] == labels
    return right


def mean_over_queries(values: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Micro and macro mean of each column: over queries, and over labels of the mean over a label's queries.

    values: (queries, columns) float; NaN is left out of its column. labels: (queries,) int codes. Returns (columns,)
    arrays by average; NaN where a column has no value.
    """
    known = ~np.isnan(values)
    number = int(labels.max()) + 1
    member = csr_array((np.ones(len(labels)), labels, np.arange(len(labels) + 1)), (len(labels), number))
    sums, counts = member.T @ np.where(known, values, 0), member.T @ known.astype(np.float64)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return {
        "micro": _divide(sums.sum(axis=0), counts.sum(axis=0)),
        "macro": _divide(means.sum(axis=0), (counts > 0).sum(axis=0)),
    }


def _divide(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """parts / whole, NaN where whole is 0: what has nothing to find has no value."""
    return np.divide(parts, whole, out=np.full(np.broadcast_shapes(parts.shape, whole.shape), np.nan), where=whole > 0)
