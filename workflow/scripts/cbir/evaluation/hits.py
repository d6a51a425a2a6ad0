"""Hits: the neighbors of each query that carry its label, and the precision at k that follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbir.blocks import blocks
from cbir.errors import InputError
from cbir.evaluation.levels import Level
from cbir.retrieval.neighbors import Neighbors

# queries whose neighbors are held at once; 7 MB per int64 array at 100 neighbors
ROWS = 8192


@dataclass(frozen=True)
class Hits:
    """The rankings of some queries, with everything that a metric needs of them.

    hit: (queries, depth) bool, whether the neighbor carries the query's label, best neighbor first. available:
    (queries,) int, n, the index images with the query's label. label: (queries,) int codes. voted: (queries, depth)
    int, labels of the neighbors, -1 for no neighbor. known: (queries,) int, the rank up to which a query's ranking is
    known.
    """

    hit: np.ndarray
    available: np.ndarray
    label: np.ndarray
    voted: np.ndarray
    known: np.ndarray

    @cached_property
    def counts(self) -> np.ndarray:
        """Hits among each query's first min(k, n) neighbors, for every k from 1 to the depth: (queries, depth) int64.

        >>> mark_hits(voted=np.array([[7, 2, 7]]), label=np.array([7]), available=np.array([9])).counts
        array([[1, 1, 2]])
        """
        counted = np.arange(self.hit.shape[1]) < self.available[:, None]
        return np.cumsum(self.hit & counted, axis=1, dtype=np.int64)


def mark_hits(voted: np.ndarray, label: np.ndarray, available: np.ndarray, known: np.ndarray | None = None) -> Hits:
    """Hits of queries with these labels whose neighbors carry the labels `voted`; arguments as for Hits.

    known: the depth for every query where it isn't given.

    >>> mark_hits(voted=np.array([[7, 2, -1]]), label=np.array([7]), available=np.array([9])).hit
    array([[ True, False, False]])
    """
    known = np.full(len(voted), voted.shape[1]) if known is None else known
    return Hits(voted == label[:, None], available, label, voted, known)


def find_hits(level: Level, query: np.ndarray, neighbor: np.ndarray) -> Hits:
    """Hits of some queries at a level.

    query: (queries,) int manifest rows. neighbor: (queries, depth) int manifest rows, -1 for no neighbor.
    """
    label, voted = level.label[query], level.label_neighbors(query, neighbor)
    return mark_hits(voted, label, level.available[label], level.known_ranks(voted))


def precision(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Share of each query's first min(k, n) neighbors that carry its label, at each of some depths k.

    depths: (depths,) int. Ranks beyond the depth searched count as misses. Returns (queries, depths) float64. NaN where
    n is 0: such a query has nothing to find, its precision is 0/0 and it is left out of every mean. Denner et al. 2025,
    section 3.3.

    >>> hits = mark_hits(voted=np.array([[7, 2, 7, 7]]), label=np.array([7]), available=np.array([3]))
    >>> precision(hits, np.array([1, 2, 4])).round(3)
    array([[1.   , 0.5  , 0.667]])
    """
    reached = np.minimum(depths, hits.counts.shape[1]) - 1
    with np.errstate(invalid="ignore"):
        return hits.counts[:, reached] / counted_neighbors(hits.available, depths)


def counted_neighbors(available: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """min(k, n), the denominator of precision at k: (rows,) int n and (depths,) int k to (rows, depths).

    >>> counted_neighbors(np.array([2, 9]), np.array([1, 5]))
    array([[1, 2],
           [1, 5]])
    """
    return np.minimum(depths, available[:, None])


def query_precision(neighbors: Neighbors, level: Level, depths: Sequence[int]) -> np.ndarray:
    """Precision at k of every query: (queries, depths) float64, computed block by block of queries.

    NaN for a query without an index image of its label. Ranks beyond the depth searched count as misses.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": ["bleed", "tumour", "bleed"]}), "pathology", np.array([0, 1]))
    >>> found = Neighbors(np.array([2]), np.array([[0, 1]]), np.array([[0.9, 0.8]], np.float32))
    >>> query_precision(found, level, [1, 2])  # a single bleed can be found
    array([[1., 1.]])
    """
    depths = np.asarray(depths)
    values = np.empty((len(neighbors.query), len(depths)))
    for block in blocks(len(values), ROWS):
        hits = find_hits(level, neighbors.query[block], neighbors.neighbor[block])
        values[block] = precision(hits, depths)
    return values


def check_neighbors(neighbors: Neighbors, images: int, index_rows: np.ndarray, at: Sequence[int]) -> None:
    """Check that neighbors were found in an index, and that the search was deep enough.

    images: rows of the manifest. index_rows: (index images,) int manifest rows. at: the depths to be scored. Raises
    InputError where a depth lies beyond the depth searched, and where a neighbor is not an image of the index.
    """
    depth = neighbors.neighbor.shape[1]
    if max(at) > depth:
        raise InputError(f"scores.at: {max(at)} lies beyond the {depth} neighbors searched; lower it or raise search.k")
    in_index = np.zeros(images + 1, bool)
    in_index[index_rows] = in_index[-1] = True  # the last row stands for -1, no neighbor
    lowest, highest = neighbors.neighbor.min(), neighbors.neighbor.max()
    if lowest < -1 or highest >= images or not in_index[neighbors.neighbor].all():
        raise InputError("neighbors name images that the index does not hold; delete the neighbors and search again")
