"""Index quality: the recall of an index against the exact neighbors, and its speed."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cbir.blocks import blocks
from cbir.errors import InputError
from cbir.retrieval.indexes import read_index
from cbir.retrieval.neighbors import Neighbors
from cbir.retrieval.search import search

COMPARED = 2**26  # pairs of neighbors that are compared at once: 64 MB of bool
BATCH = 2000  # queries that are timed together
SINGLES = 50  # queries that are timed one by one


def recall_at_every_k(found: Neighbors, exact: Neighbors) -> np.ndarray:
    """Mean over queries of |first k found ∩ first k exact| / k, (depth,) float for k from 1 to the depth.

    Raises InputError where both are not of the same queries and depth.

    >>> query, similarity = np.array([9]), np.array([[0.9, 0.8]], np.float32)
    >>> found, exact = (Neighbors(query, np.array([rows]), similarity) for rows in ([4, 5], [5, 4]))
    >>> recall_at_every_k(found, exact)
    array([0., 1.])
    """
    if found.neighbor.shape != exact.neighbor.shape or not np.array_equal(found.query, exact.query):
        raise InputError("neighbors of other queries or depth than the exact ones; delete them and run again")
    queries, depth = exact.neighbor.shape
    # agree[i, j] counts the queries whose i-th neighbor found is the j-th exact one. The hits at k are the sum over its
    # upper left k x k corner.
    agree = np.zeros((depth, depth), np.int64)
    for block in blocks(queries, max(1, COMPARED // depth**2)):
        one, other = found.neighbor[block], exact.neighbor[block]
        agree += ((one[:, :, None] == other[:, None, :]) & (other >= 0)[:, None, :]).sum(axis=0)
    return agree.cumsum(axis=0).cumsum(axis=1).diagonal() / (queries * np.arange(1, depth + 1))


def time_search(
    paths: Sequence[str | Path],
    embeddings: np.ndarray,
    query_rows: np.ndarray,
    k: int,
    threads: int,
    parameters: dict[str, int],
    engine: str,
) -> dict[str, float]:
    """Queries per second of an index in one or more parts, which are searched one after the other.

    Returns `queries_per_second` for BATCH queries together, and `queries_per_second_single` for SINGLES queries one by
    one. Both are spread evenly over the queries, and are fewer where there are fewer queries.
    """
    batch, singles = (_spaced(query_rows, number) for number in (BATCH, SINGLES))
    options = {"threads": threads, "parameters": parameters, "engine": engine}
    batch_seconds = singles_seconds = 0.0
    for path in paths:
        index = read_index(path, embeddings)
        depth = min(k, index.ntotal)
        search(index, embeddings, singles[:1], depth, **options)  # imports and caches are not timed
        start = time.perf_counter()
        search(index, embeddings, singles, depth, block=1, **options)
        between = time.perf_counter()
        search(index, embeddings, batch, depth, **options)
        singles_seconds += between - start
        batch_seconds += time.perf_counter() - between
    return {
        "queries_per_second": len(batch) / batch_seconds,
        "queries_per_second_single": len(singles) / singles_seconds,
    }


def _spaced(rows: np.ndarray, number: int) -> np.ndarray:
    """At most `number` of the rows, at equal distances."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]
