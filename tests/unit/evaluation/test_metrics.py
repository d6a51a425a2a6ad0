from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from cbir.evaluation.hits import find_hits, mark_hits
from cbir.evaluation.levels import read_level
from cbir.evaluation.metrics import (
    METRICS,
    average_precision,
    found_average_precision,
    hit_rate,
    keep_scored_by_half,
    majority_vote,
    normalized_gain,
    r_precision,
    recall,
    reciprocal_rank,
    tied_majority_vote,
)
from rankings import hits_of

FUNCTIONS = [average_precision, normalized_gain, reciprocal_rank, recall]
DEPTHS = np.array([1, 3, 5, 10, 20])


def full_ranking(seed, queries=12, images=30):
    """Hits of a ranking of a whole index, as a (queries, images) array, each query with something to find."""
    generator = np.random.default_rng(seed)
    hits = generator.random((queries, images)) < generator.choice([0.05, 0.3, 0.7], (queries, 1))
    hits[np.arange(queries), generator.integers(0, images, queries)] = True
    return hits, hits.sum(axis=1)


def by_hand(metric, hits, available):
    return metric(hits_of([hits], [available]), np.array([1, 2, 3, 4]))[0]


def r_precision_of(hits, available, known=None):
    return r_precision(hits_of(hits, available, known), np.array([hits.shape[1]]))[:, 0]


def test_average_precision_by_hand():
    assert by_hand(average_precision, [0, 1, 1, 0], 3) == pytest.approx([0, 1 / 4, (1 / 2 + 2 / 3) / 3, 7 / 18])


def test_average_precision_over_the_hits_found_by_hand():
    assert by_hand(found_average_precision, [0, 1, 1, 0], 3) == pytest.approx([0, 1 / 2, 7 / 12, 7 / 12])
    assert by_hand(found_average_precision, [1, 0, 0, 1], 2) == pytest.approx([1, 1, 1, 3 / 4])
    assert by_hand(found_average_precision, [0, 0, 0, 0], 3).tolist() == [0, 0, 0, 0]


def test_hit_rate_by_hand():
    assert by_hand(hit_rate, [0, 0, 1, 1], 9).tolist() == [0, 0, 1, 1]
    assert by_hand(hit_rate, [0, 0, 0, 0], 9).tolist() == [0, 0, 0, 0]


def test_normalized_gain_by_hand():
    discount = np.log2([2, 3, 4, 5])
    expected = [
        0,
        (1 / discount[1]) / (1 + 1 / discount[1]),
        (1 / discount[1] + 1 / discount[2]) / (1 + 1 / discount[1]),
        (1 / discount[1] + 1 / discount[2]) / (1 + 1 / discount[1]),
    ]
    assert by_hand(normalized_gain, [0, 1, 1, 0], 2) == pytest.approx(expected)


def test_reciprocal_rank_and_recall_by_hand():
    assert by_hand(reciprocal_rank, [0, 0, 1, 1], 9).tolist() == [0, 0, 1 / 3, 1 / 3]
    assert by_hand(reciprocal_rank, [0, 0, 0, 0], 9).tolist() == [0, 0, 0, 0]
    assert by_hand(recall, [0, 1, 1, 0], 8).tolist() == [0, 1 / 8, 2 / 8, 2 / 8]


def test_r_precision_counts_as_many_images_as_are_to_be_found_and_needs_a_ranking_known_that_far():
    hits = np.array([[1, 0, 1, 1]] * 4, bool)
    assert r_precision_of(hits, [1, 2, 4, 3]) == pytest.approx([1, 1 / 2, 3 / 4, 2 / 3])
    assert np.isnan(r_precision_of(hits[:3], [5, 0, 3], np.array([4, 4, 2]))).all()


def test_a_metric_of_less_than_half_of_the_queries_or_of_the_labels_is_not_given():
    label = np.array([0, 0, 0, 0, 1, 2, 3])
    half_of_both = [1, 1, np.nan, np.nan, 1, 1, np.nan]
    few_queries = [1, np.nan, np.nan, np.nan, 1, 1, np.nan]
    few_labels = [1, 1, 1, 1, np.nan, np.nan, np.nan]
    kept = keep_scored_by_half(np.array([half_of_both, few_queries, few_labels]).T, label, np.ones(7, bool))
    np.testing.assert_array_equal(kept[:, 0], half_of_both)
    assert np.isnan(kept[:, 1:]).all()


def test_queries_with_nothing_to_find_do_not_count_against_a_metric():
    label, values = np.array([0, 1, 2, 2]), np.array([[1.0], [np.nan], [np.nan], [np.nan]])
    np.testing.assert_array_equal(keep_scored_by_half(values, label, np.array([True, True, False, False])), values)
    assert np.isnan(keep_scored_by_half(values, label, np.ones(4, bool))).all()


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_and_gain_equal_those_of_scikit_learn(seed):
    hits, available = full_ranking(seed)
    similarity = np.arange(hits.shape[1], 0, -1)
    found = average_precision(hits_of(hits, available), np.array([hits.shape[1]]))[:, 0]
    assert found == pytest.approx([average_precision_score(row, similarity) for row in hits], abs=1e-12)
    gains = normalized_gain(hits_of(hits, available), DEPTHS)
    for column, k in enumerate(DEPTHS):
        expected = [ndcg_score(row[None].astype(int), similarity[None], k=k) for row in hits]
        assert gains[:, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow  # ranx compiles for a minute
def test_all_equal_those_of_ranx():
    from ranx import Qrels, Run, evaluate

    hits, available = full_ranking(7, queries=20)
    names = [f"q{row:02}" for row in range(len(hits))]
    images = range(hits.shape[1])
    qrels = Qrels({name: {f"i{i}": 1 for i in np.flatnonzero(row)} for name, row in zip(names, hits, strict=True)})
    run = Run({name: {f"i{i}": float(hits.shape[1] - i) for i in images} for name in names})
    scale = {"map": available[:, None] / np.minimum(DEPTHS, available[:, None])}  # ranx divides by n throughout
    for name, metric in zip(["map", "ndcg", "mrr", "recall"], FUNCTIONS, strict=True):
        found = metric(hits_of(hits, available), DEPTHS)
        for column, k in enumerate(DEPTHS):
            expected = evaluate(qrels, run, f"{name}@{k}", return_mean=False)
            factor = scale[name][:, column] if name in scale else 1
            assert found[:, column] == pytest.approx(expected * factor, abs=1e-6), (name, k)
    assert r_precision_of(hits, available) == pytest.approx(evaluate(qrels, run, "r-precision", return_mean=False))


def test_reciprocal_rank_recall_and_r_precision_equal_those_of_torchmetrics():
    import torch
    from torchmetrics.functional import retrieval

    hits, available = full_ranking(8)
    similarity = torch.arange(hits.shape[1], 0, -1).float()
    for row, hit in enumerate(torch.tensor(hits)):
        ranks, recalls = (metric(hits_of(hits, available), DEPTHS)[row] for metric in (reciprocal_rank, recall))
        for column, k in enumerate(DEPTHS.tolist()):
            assert ranks[column] == pytest.approx(retrieval.retrieval_reciprocal_rank(similarity, hit, top_k=k).item())
            assert recalls[column] == pytest.approx(retrieval.retrieval_recall(similarity, hit, top_k=k).item())
        expected = retrieval.retrieval_r_precision(similarity, hit).item()
        assert r_precision_of(hits, available)[row] == pytest.approx(expected)


def test_average_precision_over_the_hits_found_and_hit_rate_equal_those_of_torchmetrics():
    import torch
    from torchmetrics.functional import retrieval

    hits, available = full_ranking(9)
    similarity = torch.arange(hits.shape[1], 0, -1).float()
    precisions, rates = (metric(hits_of(hits, available), DEPTHS) for metric in (found_average_precision, hit_rate))
    for row, hit in enumerate(torch.tensor(hits)):
        for column, k in enumerate(DEPTHS.tolist()):
            expected = retrieval.retrieval_average_precision(similarity, hit, top_k=k).item()
            assert precisions[row, column] == pytest.approx(expected, abs=1e-6)
            assert rates[row, column] == retrieval.retrieval_hit_rate(similarity, hit, top_k=k).item()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_a_perfect_ranking_scores_1(available):
    available = np.array(available)
    hits = np.arange(20) < available[:, None]
    for metric in (average_precision, found_average_precision, normalized_gain, reciprocal_rank, hit_rate):
        assert metric(hits_of(hits, available), DEPTHS) == pytest.approx(1)
    assert recall(hits_of(hits, available), DEPTHS) == pytest.approx(np.minimum(DEPTHS / available[:, None], 1))
    assert (r_precision_of(hits, available)[available <= 20] == 1).all()


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_no_metric_falls_when_a_hit_moves_forward(seed):
    hits, available = full_ranking(seed)
    better = hits.copy()
    for row in better:
        hit = np.flatnonzero(row)[-1]
        row[hit], row[hit // 2] = row[hit // 2], row[hit]
    for metric in FUNCTIONS:
        assert (metric(hits_of(better, available), DEPTHS) >= metric(hits_of(hits, available), DEPTHS) - 1e-12).all()


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_all_lie_between_0_and_1_and_equal_precision_at_the_first_rank(seed):
    hits, available = full_ranking(seed)
    for metric in (*FUNCTIONS, found_average_precision, hit_rate):
        found = metric(hits_of(hits, available), DEPTHS)
        assert (found >= 0).all()
        assert (found <= 1 + 1e-12).all()
        if metric is not recall:
            assert found[:, 0] == pytest.approx(hits[:, 0].astype(float))


def test_a_query_with_nothing_to_find_has_no_value():
    hits, nothing = np.zeros((1, 20), bool), np.array([0])
    for metric in (*FUNCTIONS, found_average_precision, hit_rate, majority_vote, tied_majority_vote):
        assert np.isnan(metric(hits_of(hits, nothing), DEPTHS)).all()


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_the_majority_wins_the_vote_and_among_ties_the_label_of_the_nearest(seed):
    generator = np.random.default_rng(seed)
    voted = generator.integers(0, 4, (15, 20))
    voted[np.arange(20) >= generator.integers(0, 25, (15, 1))] = -1
    labels = generator.integers(0, 4, 15)
    hits = mark_hits(voted, labels, np.ones(15, int))
    found, tied = majority_vote(hits, DEPTHS), tied_majority_vote(hits, DEPTHS)
    for row in range(15):
        for column, k in enumerate(DEPTHS):
            votes = Counter(voted[row, :k][voted[row, :k] >= 0].tolist())  # most_common: ties in the order of entry
            assert found[row, column] == bool(votes and votes.most_common(1)[0][0] == labels[row])
            assert tied[row, column] == bool(votes and votes[labels[row]] == max(votes.values()))


def test_a_tie_that_holds_the_true_label_counts_as_right_by_hand():
    hits = mark_hits(np.array([[2, 7, 7, 2, 3]] * 2), np.array([7, 3]), np.array([4, 4]))
    depths = np.array([1, 2, 3, 4, 5])
    assert tied_majority_vote(hits, depths).tolist() == [[0, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert majority_vote(hits, depths)[0].tolist() == [0, 0, 1, 0, 0]


def test_a_vote_depends_on_nothing_but_which_labels_are_equal():
    generator = np.random.default_rng(0)
    voted, labels, available = generator.integers(0, 5, (40, 20)), generator.integers(0, 5, 40), np.ones(40, int)
    few = majority_vote(mark_hits(voted, labels, available), DEPTHS)
    renamed = np.array([7, 90_000, 3, 10**6, 12])
    many = majority_vote(mark_hits(renamed[voted], renamed[labels], available), DEPTHS)
    np.testing.assert_array_equal(many, few)
    assert 0 < few.mean() < 1


def test_every_metric_has_a_value_per_query_and_depth_and_a_chance_level_per_label_and_depth():
    manifest = pd.DataFrame({"label": ["a", "b", "b", "c", "c", "c"]})
    level = read_level(manifest, "pathology", np.arange(5))
    hits = find_hits(level, np.array([5, 5]), np.array([[0, 1, 4], [3, 4, 0]]))
    for name, metric in METRICS.items():
        depths = metric.depths([1, 2], 3)
        assert metric.of_queries(hits, depths).shape == (2, len(depths)), name
        assert metric.by_chance(level, depths).shape == (3, len(depths)), name
