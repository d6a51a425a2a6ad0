import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.evaluation import hits as hits_module
from cbir.evaluation.hits import precision, query_precision
from cbir.evaluation.levels import read_level
from cbir.retrieval.neighbors import Neighbors
from rankings import hits_of


def precision_at_all_k(hit, available):
    return precision(hits_of(hit, available), np.arange(1, hit.shape[1] + 1))


def test_precision_divides_by_the_images_that_could_be_found():
    hits = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 0, 1]], bool)
    expected = [[1, 1 / 2, 2 / 3, 3 / 4], [1, 1 / 2, 1 / 2, 1 / 2], [0, 0, 0, 0]]
    np.testing.assert_allclose(precision_at_all_k(hits, np.array([9, 2, 3])), expected, rtol=0, atol=1e-15)


def test_a_query_without_index_images_has_no_precision():
    assert np.isnan(precision_at_all_k(np.zeros((1, 3), bool), np.array([0]))).all()


@given(
    st.integers(1, 30), st.integers(1, 12), st.lists(st.integers(0, 15), min_size=4, max_size=4), st.integers(0, 2**32)
)
def test_precision_equals_that_of_a_loop_over_queries_and_k(queries, depth, available, seed):
    generator, available = np.random.default_rng(seed), np.array(available)
    labels, hits = generator.integers(0, 4, queries), generator.random((queries, depth)) < generator.random()
    found = precision_at_all_k(hits, available[labels])
    for query, label in enumerate(labels):
        for k in range(1, hits.shape[1] + 1):
            n = min(k, available[label])
            if n:
                assert found[query, k - 1] == pytest.approx(sum(hits[query, :n]) / n, abs=1e-12)
            else:
                assert np.isnan(found[query, k - 1])


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10), st.integers(1, 15))
def test_a_perfect_ranking_has_precision_1_at_every_k(available, depth):
    available = np.array(available)
    hits = np.arange(depth) < available[:, None]
    assert (precision_at_all_k(hits, available) == 1).all()


def test_ranks_beyond_the_search_count_as_misses():
    found = precision(hits_of([[1, 1]], [9]), np.array([2, 4]))
    assert found.tolist() == [[1, 1 / 2]]


def test_precision_of_queries_is_that_of_the_ranked_neighbors_alone():
    regions = ["chest", "chest", "head", "head", "head"]
    findings = ["normal", "nodule", "normal", "bleed", "normal"]
    manifest = pd.DataFrame({"modality": "CT", "anatomic_region": regions, "pathology": findings})
    manifest["label"] = manifest.agg("/".join, axis=1)
    index = np.array([0, 1, 2, 3])
    neighbors = Neighbors(np.array([4]), np.array([[0, 2, 3, -1]]), np.zeros((1, 4), np.float32))
    # four images of the modality, two heads and one normal head can be found; the first neighbor is a chest
    expected = {"modality": [1, 1, 1], "anatomic_region": [0, 1 / 2, 1 / 2]}
    expected |= {"pathology": [0, 0, 0], "pathology_in_region": [1, 1, 1]}
    for level, values in expected.items():
        found = query_precision(neighbors, read_level(manifest, level, index), [1, 2, 3])
        assert found[0] == pytest.approx(values), level


def test_precision_of_queries_does_not_depend_on_the_size_of_blocks(monkeypatch):
    generator = np.random.default_rng(0)
    manifest = pd.DataFrame({"label": generator.choice(list("abc"), 90)})
    neighbors = Neighbors(np.arange(60, 90), generator.integers(0, 60, (30, 8)), np.zeros((30, 8), np.float32))
    level = read_level(manifest, "pathology", np.arange(60))
    whole = query_precision(neighbors, level, [1, 5])
    monkeypatch.setattr(hits_module, "ROWS", 7)
    np.testing.assert_array_equal(query_precision(neighbors, level, [1, 5]), whole)
