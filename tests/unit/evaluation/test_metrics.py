import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.evaluation.metrics import count_hits, precision_at_every_k, summarize_precision, total_hits


@st.composite
def rankings(draw):
    """Hits (queries, depth), label codes of the queries, and index images of each of four labels."""
    queries, depth = draw(st.integers(1, 30)), draw(st.integers(1, 12))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    available = np.array(draw(st.lists(st.integers(0, 15), min_size=4, max_size=4)))
    labels = generator.integers(0, 4, queries)
    return generator.random((queries, depth)) < generator.random(), labels, available


def precision(hits, available):
    return precision_at_every_k(count_hits(hits, available), available)


def summary(hits, labels, available):
    return summarize_precision(total_hits(count_hits(hits, available[labels]), labels, len(available)), available)


def test_precision_divides_by_the_images_that_could_be_found():
    hits = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 0, 1]], bool)
    expected = [[1, 1 / 2, 2 / 3, 3 / 4], [1, 1 / 2, 1 / 2, 1 / 2], [0, 0, 0, 0]]
    np.testing.assert_allclose(precision(hits, np.array([9, 2, 3])), expected, rtol=0, atol=1e-15)


def test_a_query_without_index_images_has_no_precision():
    assert np.isnan(precision(np.zeros((1, 3), bool), np.array([0]))).all()


@given(rankings())
def test_precision_is_what_a_loop_over_queries_and_k_finds(ranking):
    hits, labels, available = ranking
    found = precision(hits, available[labels])
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
    assert (precision(hits, available) == 1).all()


@given(rankings())
def test_means_and_spreads_are_those_of_pandas(ranking):
    hits, labels, available = ranking
    found = summary(hits, labels, available)
    scored = available[labels] > 0
    table = pd.DataFrame(precision(hits, available[labels])[scored])
    by_label = table.groupby(labels[scored])
    expected = {
        ("micro", "precision"): table.mean(),
        ("micro", "precision_std"): table.std(),
        ("macro", "precision"): by_label.mean().mean(),
        ("macro", "precision_std"): by_label.std().mean(),
    }
    assert list(found) == list(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=0, atol=1e-9)


def test_macro_weighs_labels_and_micro_queries():
    hits = np.array([[1], [1], [1], [0]], bool)
    found = summary(hits, np.array([0, 0, 0, 1]), np.array([5, 5]))
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        {
            ("micro", "precision"): 3 / 4,
            ("micro", "precision_std"): 1 / 2,  # of 1, 1, 1, 0: the root of (3 / 16 + 9 / 16) / 3
            ("macro", "precision"): 1 / 2,
            ("macro", "precision_std"): 0,  # the label with a single query is left out
        }
    )


@given(rankings())
def test_totals_of_blocks_of_queries_add_up_exactly(ranking):
    hits, labels, available = ranking
    counts = count_hits(hits, available[labels])
    whole, half = total_hits(counts, labels, 4), len(labels) // 2
    parts = total_hits(counts[:half], labels[:half], 4) + total_hits(counts[half:], labels[half:], 4)
    for field in ("queries", "hits", "squares"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(parts, field))


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_macro_is_micro_where_labels_have_as_many_queries(queries, seed):
    hits = np.random.default_rng(seed).random((3 * queries, 5)) < 0.5
    found = summary(hits, np.repeat([0, 1, 2], queries), np.array([2, 4, 9]))
    np.testing.assert_allclose(found["micro", "precision"], found["macro", "precision"], rtol=0, atol=1e-12)


def test_equal_precisions_have_no_spread():
    hits = np.tile([True, False, False], (1000, 1))
    found = summary(hits, np.arange(1000) % 3, np.array([3, 3, 3]))
    assert found["micro", "precision_std"].max() < 1e-15
    assert found["macro", "precision_std"].max() == 0


def test_means_without_any_scored_query_are_nan():
    found = summary(np.zeros((2, 3), bool), np.array([0, 0]), np.array([0, 4]))
    assert all(np.isnan(value).all() for value in found.values())
