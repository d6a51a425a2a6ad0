import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.evaluation.averages import label_means, mean_over_queries, summarize_precision, total_hits
from cbir.evaluation.hits import precision
from rankings import hits_of


@st.composite
def rankings(draw):
    """Hits (queries, depth), label codes of the queries, and index images of each of four labels."""
    queries, depth = draw(st.integers(1, 30)), draw(st.integers(1, 12))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    available = np.array(draw(st.lists(st.integers(0, 15), min_size=4, max_size=4)))
    labels = generator.integers(0, 4, queries)
    return generator.random((queries, depth)) < generator.random(), labels, available


def precision_at_all_k(hit, available):
    return precision(hits_of(hit, available), np.arange(1, hit.shape[1] + 1))


def totals(hit, labels, available):
    return total_hits(hits_of(hit, available[labels]).counts, labels, len(available))


def summarize(hit, labels, available):
    return summarize_precision(totals(hit, labels, available), available)


@given(rankings())
def test_means_and_spreads_equal_those_of_pandas(ranking):
    hits, labels, available = ranking
    found = summarize(hits, labels, available)
    scored = available[labels] > 0
    table = pd.DataFrame(precision_at_all_k(hits, available[labels])[scored])
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


def test_macro_weighs_labels_equally_and_micro_weighs_queries_equally():
    hits = np.array([[1], [1], [1], [0]], bool)
    found = summarize(hits, np.array([0, 0, 0, 1]), np.array([5, 5]))
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
    whole, half = totals(hits, labels, available), len(labels) // 2
    parts = totals(hits[:half], labels[:half], available) + totals(hits[half:], labels[half:], available)
    for field in ("queries", "hits", "squares"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(parts, field))


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_macro_equals_micro_where_all_labels_have_the_same_number_of_queries(queries, seed):
    hits = np.random.default_rng(seed).random((3 * queries, 5)) < 0.5
    found = summarize(hits, np.repeat([0, 1, 2], queries), np.array([2, 4, 9]))
    np.testing.assert_allclose(found["micro", "precision"], found["macro", "precision"], rtol=0, atol=1e-12)


def test_equal_precisions_have_no_spread():
    hits = np.tile([True, False, False], (1000, 1))
    found = summarize(hits, np.arange(1000) % 3, np.array([3, 3, 3]))
    assert found["micro", "precision_std"].max() < 1e-15
    assert found["macro", "precision_std"].max() == 0


def test_means_without_any_scored_query_are_nan():
    found = summarize(np.zeros((2, 3), bool), np.array([0, 0]), np.array([0, 4]))
    assert all(np.isnan(value).all() for value in found.values())


def test_a_query_without_a_value_is_left_out_of_the_means_of_that_column():
    values = np.array([[1, np.nan], [0, 1], [1, 0], [1, np.nan]])
    means = mean_over_queries(values, np.array([0, 0, 2, 3]))
    assert means["micro"] == pytest.approx([3 / 4, 1 / 2])
    assert means["macro"] == pytest.approx([(1 / 2 + 1 + 1) / 3, (1 + 0) / 2])
    empty = mean_over_queries(np.full((2, 1), np.nan), np.array([0, 1]))
    assert np.isnan([empty["micro"], empty["macro"]]).all()


@given(rankings())
def test_label_means_are_the_means_of_each_labels_queries(ranking):
    hits, labels, available = ranking
    depths = np.array([1, hits.shape[1]])
    found = label_means(totals(hits, labels, available), available, depths)
    table = pd.DataFrame(precision_at_all_k(hits, available[labels])[:, depths - 1])
    expected = table.groupby(labels).mean().reindex(range(4)).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
