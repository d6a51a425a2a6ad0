"""What an index costs and what it loses: recall against the exact neighbors, and queries a second."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.errors import InputError
from cbir.retrieval.indexes import read_index
from cbir.retrieval.neighbors import Neighbors
from cbir.retrieval.search import search

BATCH = 2000  # queries that are timed together
SINGLES = 50  # queries that are timed one at a time


def recall_at_every_k(found: Neighbors, exact: Neighbors) -> np.ndarray:
    """Mean over queries of the share of the k exact neighbors that are among the first k found, (k,) for k from 1 on.

    Raises InputError where the neighbors are not of the same queries and depth.
    """
    if found.neighbor.shape != exact.neighbor.shape or not np.array_equal(found.query, exact.query):
        raise InputError("neighbors of other queries or depth than the exact ones; delete them and run again")
    queries, depth = exact.neighbor.shape
    images = max(found.neighbor.max(), exact.neighbor.max()) + 1
    pairs, places = [], []
    for neighbor in (found.neighbor, exact.neighbor):
        query, place = np.nonzero(neighbor >= 0)
        pairs.append(query * images + neighbor[query, place])
        places.append(place)
    _, in_found, in_exact = np.intersect1d(*pairs, assume_unique=True, return_indices=True)
    reached = np.maximum(places[0][in_found], places[1][in_exact])
    return np.cumsum(np.bincount(reached, minlength=depth)) / (queries * np.arange(1, depth + 1))


def recall_and_precision(found: Neighbors, exact: Neighbors, scores: pd.DataFrame, at: Sequence[int]) -> pd.DataFrame:
    """Recall of an index at the depths `at`, and beside it the precision that its scores give, micro and macro.

    scores: those of `found`, as cbir.evaluation.retrieval writes them. Returns a row for each level and depth.
    """
    recall = recall_at_every_k(found, exact)
    keys = ["dataset", "model", "index", "index_size", "draw", "index_images", "level", "k"]
    scores = scores[(scores["metric"] == "precision") & scores["k"].isin(at)]
    precision = scores.pivot_table("value", keys, "average").add_prefix("precision_").reset_index()
    precision.insert(len(keys), "recall", recall[precision["k"] - 1])
    return precision.rename_axis(columns=None)


def time_search(
    paths: Sequence[str | Path],
    embeddings: np.ndarray,
    query_rows: np.ndarray,
    k: int,
    threads: int,
    parameters: dict[str, int],
    engine: str,
) -> dict[str, float]:
    """Queries a second, of an index in one or more parts, searched one part after the other.

    Returns `queries_per_second`, of BATCH queries together, and `queries_per_second_single`, of SINGLES queries one at
    a time; both evenly spaced among the queries, and fewer where there are no more.
    """
    batch, singles = (_spaced(query_rows, number) for number in (BATCH, SINGLES))
    options = {"threads": threads, "parameters": parameters, "engine": engine}
    batch_seconds = singles_seconds = 0.0
    for path in paths:
        index = read_index(path, embeddings)
        depth = min(k, index.ntotal)
        search(index, embeddings, singles[:1], depth, **options)
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
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]
