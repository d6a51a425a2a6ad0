"""Recall counts common neighbors, precision is taken over as it was scored, and speed is queries over seconds."""

import numpy as np
import pytest

from cbir.errors import InputError
from cbir.retrieval import index_quality
from cbir.retrieval.index_quality import recall_at_every_k, time_search
from cbir.retrieval.indexes import build_index, write_index
from cbir.retrieval.neighbors import Neighbors
from cbir.retrieval.search import search


def neighbors(neighbor, query=None):
    neighbor = np.array(neighbor, np.int64)
    query = np.arange(len(neighbor)) + 90 if query is None else np.array(query)
    return Neighbors(query, neighbor, np.where(neighbor < 0, np.nan, 0.5).astype(np.float32))


def test_recall_counts_the_exact_neighbors_found_at_each_depth():
    exact = neighbors([[1, 2, 3], [4, 5, 6]])
    found = neighbors([[2, 1, 9], [4, 7, -1]])
    np.testing.assert_allclose(recall_at_every_k(found, exact), [1 / 2, 3 / 4, 3 / 6])


@pytest.mark.parametrize("compared", [1, 1000, 2**26])
def test_recall_is_the_share_of_set_intersections_in_blocks_of_any_size(compared, monkeypatch):
    monkeypatch.setattr(index_quality, "COMPARED", compared)
    generator = np.random.default_rng(0)
    exact, found = (np.array([generator.permutation(30)[:12] for _ in range(200)]) for _ in range(2))
    found[generator.random(200) < 0.3, 7:] = -1
    recall = recall_at_every_k(neighbors(found), neighbors(exact))
    for k in range(1, 13):
        common = [len(set(f[:k]) & set(e[:k])) / k for f, e in zip(found, exact, strict=True)]
        assert recall[k - 1] == pytest.approx(np.mean(common), abs=1e-12)


def test_places_without_a_neighbor_never_count_as_found():
    neither = neighbors([[1, -1, -1]])
    np.testing.assert_allclose(recall_at_every_k(neither, neither), [1, 1 / 2, 1 / 3])


def test_exact_neighbors_have_recall_one_at_every_depth():
    exact = neighbors([[1, 2, 3], [3, 1, 0]])
    np.testing.assert_array_equal(recall_at_every_k(exact, exact), np.ones(3))


@pytest.mark.parametrize("other", [neighbors([[1, 2]]), neighbors([[1, 2, 3]], query=[7])], ids=["depth", "queries"])
def test_neighbors_of_other_queries_or_depth_are_refused(other):
    with pytest.raises(InputError, match="other queries or depth"):
        recall_at_every_k(other, neighbors([[1, 2, 3]]))


def test_the_speed_of_an_index_in_parts_is_that_of_searching_all_parts(tmp_path, monkeypatch):
    """On a clock that a search of all queries moves by a second, and a search one by one by a second per query."""
    now = 0.0
    depths = []

    def searched(index, embeddings, query_rows, k, block=4096, **options):
        nonlocal now
        now += 1 if block > 1 else len(query_rows)
        depths.append(k)
        return search(index, embeddings, query_rows, k, block, **options)

    monkeypatch.setattr(index_quality, "search", searched)
    monkeypatch.setattr(index_quality.time, "perf_counter", lambda: now)
    vectors = np.random.default_rng(1).standard_normal((600, 8), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    paths = [tmp_path / "0", tmp_path / "1"]
    for path, rows in zip(paths, np.array_split(np.arange(500), 2), strict=True):
        write_index(build_index(vectors, rows, "IVF4,Flat", 1, 0), path)
    speed = time_search(paths, vectors, np.arange(500, 600), 300, threads=1, parameters={"nprobe": 2}, engine="auto")
    assert speed == {"queries_per_second": 100 / 2, "queries_per_second_single": 50 / (2 * 50)}
    assert set(depths) == {250}
