"""Retrieval metrics: a value for each query and depth, and the list of the metrics that are scored.

To add a metric, write a function of Hits here, its chance level in chance.py, and a line of METRICS.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cbir.evaluation import chance
from cbir.evaluation.averages import divide
from cbir.evaluation.chance import rank_discounts
from cbir.evaluation.hits import Hits, precision
from cbir.evaluation.levels import Level


def average_precision(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Average precision at k: the sum of the precisions at the ranks of the hits up to k, divided by min(k, n).

    depths: (depths,) int, k. Returns (queries, depths) float64; 1 for a perfect ranking, NaN where n, the number of
    index images with the query's label, is 0. Philbin et al. 2007, section 3.2, cut at k. The denominator differs
    between programs: trec_eval divides by n, and torchmetrics by the hits found, as found_average_precision does.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[7, 2, 7, 7]]), label=np.array([7]), available=np.array([2]))
    >>> average_precision(hits, np.array([1, 3])).round(3)
    array([[1.   , 0.833]])
    """
    return divide(_sum_precisions(hits, depths), np.minimum(depths, hits.available[:, None]))


def found_average_precision(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Average precision at k over the hits found: arguments and result as for average_precision.

    The sum of the precisions at the ranks of the hits up to k, divided by the number of these hits; 0 without one. It
    says how early the hits are, not how many there are. Mahbod et al. 2025, mAP@k, and torchmetrics.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7, 2, 7]]), label=np.array([7]), available=np.array([9]))
    >>> found_average_precision(hits, np.array([1, 2, 4]))
    array([[0. , 0.5, 0.5]])
    """
    found = np.cumsum(hits.hit, axis=1)[:, depths - 1]
    return np.where(hits.available[:, None] > 0, _sum_precisions(hits, depths) / np.maximum(found, 1), np.nan)


def _sum_precisions(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Sum of the precisions at the ranks of the hits up to each depth: (queries, depths) float64."""
    precisions = np.cumsum(hits.hit, axis=1) / np.arange(1, hits.hit.shape[1] + 1)
    return np.cumsum(np.where(hits.hit, precisions, 0), axis=1)[:, depths - 1]


def normalized_gain(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """nDCG at k, where the gain of a hit is 1: arguments and result as for average_precision.

    A hit at rank i counts 1 / log2(i + 1), and the sum is divided by that of a perfect ranking. Järvelin and Kekäläinen
    2002, section 2.2, with the discount of Burges et al. 2005.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7]]), label=np.array([7]), available=np.array([1]))
    >>> normalized_gain(hits, np.array([1, 2])).round(3)
    array([[0.   , 0.631]])
    """
    discounts = rank_discounts(hits.hit.shape[1])
    gains = np.cumsum(np.where(hits.hit, discounts, 0), axis=1)[:, depths - 1]
    ideal = np.append(0, np.cumsum(discounts))
    return divide(gains, ideal[np.minimum(depths, hits.available[:, None])])


def reciprocal_rank(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """One divided by the rank of the first hit, 0 where it lies beyond k: arguments as for average_precision.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7]]), label=np.array([7]), available=np.array([1]))
    >>> reciprocal_rank(hits, np.array([1, 2]))
    array([[0. , 0.5]])
    """
    first = np.where(hits.hit.any(axis=1), hits.hit.argmax(axis=1) + 1, np.inf)[:, None]
    return np.where(hits.available[:, None] > 0, (first <= depths) / first, np.nan)


def hit_rate(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Whether there is a hit among the first k, 1 or 0: arguments and result as for average_precision.

    It is ACC@k of Mahbod et al. 2025.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7]]), label=np.array([7]), available=np.array([1]))
    >>> hit_rate(hits, np.array([1, 2]))
    array([[0., 1.]])
    """
    found = np.logical_or.accumulate(hits.hit, axis=1)[:, depths - 1]
    return np.where(hits.available[:, None] > 0, found, np.nan)


def recall(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Share of the n images to be found that are among the first k: arguments and result as for average_precision.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7]]), label=np.array([7]), available=np.array([4]))
    >>> recall(hits, np.array([1, 2]))
    array([[0.  , 0.25]])
    """
    return divide(np.cumsum(hits.hit, axis=1)[:, depths - 1], hits.available[:, None])


def majority_vote(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Whether the first k neighbors elect the query's label: (queries, depths) float, 1 or 0, NaN where n is 0.

    Each neighbor votes for its label. Of labels with equally many votes, the label of the nearest neighbor among them
    wins.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7, 7]]), label=np.array([7]), available=np.array([4]))
    >>> majority_vote(hits, np.array([1, 2, 3]))
    array([[0., 0., 1.]])
    """
    right = np.empty((len(hits.hit), len(depths)))
    for column, (votes, _) in enumerate(_count_votes(hits, depths)):
        right[:, column] = hits.hit[np.arange(len(votes)), votes.argmax(axis=1)]  # the nearest of equal ones
    right[hits.available == 0] = np.nan
    return right


def tied_majority_vote(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Whether no label has more votes of the first k neighbors than the query's: result as for majority_vote.

    A tie that holds the query's label counts as right, so the value is never below that of majority_vote. Mahbod et
    al. 2025, mMV@k.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7, 7]]), label=np.array([7]), available=np.array([4]))
    >>> tied_majority_vote(hits, np.array([1, 2, 3]))
    array([[0., 1., 1.]])
    """
    right = np.empty((len(hits.hit), len(depths)))
    for column, (votes, own) in enumerate(_count_votes(hits, depths)):
        right[:, column] = (own > 0) & (own == votes.max(axis=1))
    right[hits.available == 0] = np.nan
    return right


def _count_votes(hits: Hits, depths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each depth k, the votes of each of the first k neighbors' labels, and the votes of the query's label.

    Yields (queries, k) int, the votes of the label of each neighbor, 0 where there is no neighbor, and (queries,) int.
    """
    candidate = _number_within_rows(hits.voted[:, : depths.max()])
    rows, width = np.arange(len(candidate))[:, None], candidate.shape[1]
    for depth in depths:
        first, found = candidate[:, :depth], hits.voted[:, :depth] >= 0
        votes = np.bincount((first + rows * width).ravel(), minlength=candidate.size).reshape(candidate.shape)
        yield np.where(found, np.take_along_axis(votes, first, axis=1), 0), hits.hit[:, :depth].sum(axis=1)


def _number_within_rows(labels: np.ndarray) -> np.ndarray:
    """Number the distinct labels of each row from 0: (rows, depth) int to the same shape.

    The numbers stay below the depth, so that votes can be counted in an array that doesn't grow with the labels.
    """
    order = np.argsort(labels, axis=1)
    ordered = np.take_along_axis(labels, order, axis=1)
    number = np.zeros_like(labels)
    number[:, 1:] = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    numbered = np.empty_like(labels)
    np.put_along_axis(numbered, order, number, axis=1)
    return numbered


def r_precision(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Precision at n, the number of images to be found, the same for every depth: (queries, depths) float64.

    NaN where n is 0, and where n lies beyond the rank up to which the ranking is known. Manning et al. 2008,
    section 8.4. A search to depth k leaves out labels with more than k index images: see keep_scored_by_half.

    >>> from cbir.evaluation.hits import mark_hits
    >>> hits = mark_hits(voted=np.array([[2, 7, 7]]), label=np.array([7]), available=np.array([2]))
    >>> r_precision(hits, np.array([3]))
    array([[0.5]])
    """
    known = (hits.available > 0) & (hits.available <= hits.known)
    value = np.where(known[:, None], divide(hits.counts[:, -1:], hits.available[:, None]), np.nan)
    return np.repeat(value, len(depths), axis=1)


def keep_scored_by_half(values: np.ndarray, label: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Values of a metric that not every query has; NaN in columns where too few queries or labels have a value.

    values: (queries, columns) float. label: (queries,) int codes. available: (queries,) bool, whether a query has
    something to find. A column is kept where at least half of the queries with something to find have a value, and at
    least half of their labels have a query with a value. Fewer are a choice of labels by their frequency, whose mean
    says nothing of the others.

    >>> values = np.array([[0.5, 0.5], [0.25, np.nan], [0.25, np.nan]])
    >>> keep_scored_by_half(values, np.array([0, 1, 1]), np.ones(3, bool))
    array([[0.5 ,  nan],
           [0.25,  nan],
           [0.25,  nan]])
    """
    scored = ~np.isnan(values) & available[:, None]
    labels = np.array([len(np.unique(label[column])) for column in scored.T])
    enough = 2 * scored.sum(axis=0) >= available.sum()
    enough &= 2 * labels >= len(np.unique(label[available]))
    return np.where(enough, values, np.nan)


@dataclass(frozen=True)
class Metric:
    """A retrieval metric.

    of_queries: takes the hits of some queries and (depths,) int depths k, and returns (queries, depths) float. Queries
    with nothing to find are left out of the scores, whatever their value. by_chance: takes a level and depths, and
    returns the value to expect of a random order of the index for a query of each label, (labels, depths) float.
    given_at: the depths at which the table gives the metric. "asked" are those of scores.at, "searched" is the depth of
    the search. complete: whether each query with something to find has a value at every depth. A metric that is not
    complete has its interval without the queries that have no value. It is given only where keep_scored_by_half keeps
    it.
    """

    of_queries: Callable[[Hits, np.ndarray], np.ndarray]
    by_chance: Callable[[Level, np.ndarray], np.ndarray]
    given_at: Literal["asked", "asked and searched", "searched"] = "asked and searched"
    complete: bool = True

    def depths(self, asked: Sequence[int], searched: int) -> np.ndarray:
        """The depths at which the metric is given: (depths,) int.

        >>> METRICS["map"].depths(asked=[1, 5], searched=100), METRICS["majority_vote"].depths([1, 5], 100)
        (array([  1,   5, 100]), array([1, 5]))
        """
        if self.given_at == "asked":
            return np.asarray(asked)
        return np.unique([*(asked if self.given_at == "asked and searched" else []), searched])


# the metrics of the retrieval table, in the order of its rows; precision is also given at every other depth
METRICS = {
    "precision": Metric(precision, chance.precision_by_chance, given_at="asked"),
    "map": Metric(average_precision, chance.average_precision_by_chance),
    "map_found": Metric(found_average_precision, chance.found_average_precision_by_chance),
    "ndcg": Metric(normalized_gain, chance.normalized_gain_by_chance),
    "mrr": Metric(reciprocal_rank, chance.reciprocal_rank_by_chance),
    "recall": Metric(recall, chance.recall_by_chance),
    "hit_rate": Metric(hit_rate, chance.hit_rate_by_chance),
    "majority_vote": Metric(majority_vote, chance.majority_vote_by_chance, given_at="asked"),
    "majority_vote_tied": Metric(tied_majority_vote, chance.tied_majority_vote_by_chance, given_at="asked"),
    "r_precision": Metric(r_precision, chance.precision_by_chance, given_at="searched", complete=False),
}
