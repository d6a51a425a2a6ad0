"""Quality of an index: its recall compared with the exact neighbors, and its speed in queries per second."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cbir.blocks import blocks
from cbir.errors import InputError
from cbir.retrieval.indexes import read_index
from cbir.retrieval.neighbors import Neighbors
from cbir.retrieval.search import search

COMPARED = 2**26  # pairs of neighbors compared at a time, 64 MB
BATCH = 2000  # queries that are timed together
SINGLES = 50  # queries that are timed one by one


def recall_at_every_k(found: Neighbors, exact: Neighbors) -> np.ndarray:
    """Mean over queries of |first k found ∩ first k exact| / k, for every k from 1 to the depth: (depth,) float.

    agree[i, j] counts the queries whose i-th neighbor found is the j-th exact one. The hits at k are the sum of its
    upper left k × k corner. Places without a neighbor (-1) never count.

    Raises InputError where the neighbors are not of the same queries and depth.

    >>> found, exact = (Neighbors(np.array([9]), np.array([rows]), np.ones((1, 3))) for rows in ([1, 5, 2], [1, 2, 3]))
    >>> recall_at_every_k(found, exact).round(2)
    array([1.  , 0.5 , 0.67])
    """
    if found.neighbor.shape != exact.neighbor.shape or not np.array_equal(found.query, exact.query):
        raise InputError(
            "the neighbors have other queries or depth than the exact ones; delete both and run again "
            "(rule search_index)"
        )
    queries, depth = exact.neighbor.shape
    agree = np.zeros((depth, depth), np.int64)
    for block in blocks(queries, max(1, COMPARED // depth**2)):
        of_found, of_exact = found.neighbor[block], exact.neighbor[block]
        same = of_found[:, :, None] == of_exact[:, None, :]
        agree += (same & (of_exact >= 0)[:, None, :]).sum(axis=0)
    return agree.cumsum(axis=0).cumsum(axis=1).diagonal() / (queries * np.arange(1, depth + 1))


def time_search(
    paths: Sequence[str | Path],
    embeddings: np.ndarray,
    query_rows: np.ndarray,
    k: int,
    threads: int,
    parameters: dict[str, int],
    engine: str,
    device: str = "cpu",
    norms: np.ndarray | None = None,
) -> dict[str, float]:
    """Queries per second of an index in one or more parts, which are searched one after the other.

    paths: index files of the parts. The other arguments are those of `search`. Returns `queries_per_second`, of at most
    BATCH queries searched together, and `queries_per_second_single`, of at most SINGLES queries searched one at a time.
    The queries are evenly spaced among `query_rows`.
    """
    options = {"threads": threads, "parameters": parameters, "engine": engine, "device": device, "norms": norms}
    batch, singles = _spaced(query_rows, BATCH), _spaced(query_rows, SINGLES)
    batch_seconds = single_seconds = 0.0
    for path in paths:
        index = read_index(path, embeddings, norms)
        depth = min(k, index.ntotal)
        search(index, embeddings, singles[:1], depth, **options)  # warms up memory and threads
        start = time.perf_counter()
        search(index, embeddings, singles, depth, block=1, **options)
        single_seconds += time.perf_counter() - start
        start = time.perf_counter()
        search(index, embeddings, batch, depth, **options)
        batch_seconds += time.perf_counter() - start
    return {
        "queries_per_second": len(batch) / batch_seconds,
        "queries_per_second_single": len(singles) / single_seconds,
    }


def _spaced(rows: np.ndarray, number: int) -> np.ndarray:
    """At most `number` of the rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]
