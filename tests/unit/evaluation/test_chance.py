from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.evaluation import chance
from cbir.evaluation.metrics import (
    average_precision,
    count_hits,
    majority_vote,
    normalized_gain,
    precision_at_every_k,
    r_precision,
    recall,
    reciprocal_rank,
)

CASES = [
    (average_precision, chance.average_precision_by_chance),
    (normalized_gain, chance.normalized_gain_by_chance),
    (reciprocal_rank, chance.reciprocal_rank_by_chance),
    (recall, chance.recall_by_chance),
]
ORDERS = np.array(list(permutations(range(6))))  # all there are of six images
DEPTHS = np.arange(1, 7)


@pytest.mark.parametrize(("metric", "by_chance"), CASES)
@pytest.mark.parametrize("relevant", range(1, 7))
def test_chance_is_the_mean_over_all_orders_of_six_images(metric, by_chance, relevant):
    expected = metric(relevant > ORDERS, np.full(len(ORDERS), relevant), DEPTHS).mean(axis=0)
    assert by_chance(np.array([relevant]), np.array([6]), DEPTHS)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("relevant", range(1, 7))
def test_chance_of_precision_is_the_mean_over_all_orders_of_six_images(relevant):
    hits, available = relevant > ORDERS, np.full(len(ORDERS), relevant)
    expected = chance.precision_by_chance(np.array([relevant]), np.array([6])).item()
    precision = precision_at_every_k(count_hits(hits, available), available).mean(axis=0)
    assert precision == pytest.approx(np.full(6, expected))
    assert r_precision(hits, available, np.full(len(ORDERS), 6)).mean() == pytest.approx(expected)


@pytest.mark.parametrize("counts", [[6], [3, 3], [1, 5], [2, 2, 2], [1, 2, 3], [1] * 6, [4, 1, 1], [0, 2, 4]])
def test_chance_of_a_vote_is_the_mean_over_all_orders_of_six_images(counts):
    label = np.repeat(np.arange(len(counts)), counts)
    found = chance.majority_vote_by_chance(np.array(counts), np.zeros(len(counts), int), DEPTHS)
    for code, count in enumerate(counts):
        if count:
            expected = majority_vote(label[ORDERS], np.full(len(ORDERS), code), len(counts), DEPTHS).mean(axis=0)
            assert found[code] == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(found[code]).all()


def test_chance_is_what_random_orders_of_a_larger_index_score():
    generator = np.random.default_rng(0)
    counts, depths = np.array([3, 30, 60, 107]), np.array([1, 5, 10, 50])
    label = np.repeat(np.arange(4), counts)
    orders = label[generator.permuted(np.tile(np.arange(200), (6000, 1)), axis=1)][:, :50]
    index = counts, np.full(4, 200)
    votes = chance.majority_vote_by_chance(counts, np.zeros(4, int), depths)
    for code, count in enumerate(counts):
        available = np.full(len(orders), count)
        for metric, by_chance in CASES:
            found = metric(orders == code, available, depths)
            error = 4.5 * found.std(axis=0) / np.sqrt(len(orders)) + 1e-12
            assert (abs(found.mean(axis=0) - by_chance(*index, depths)[code]) < error).all(), (metric, count)
        found = majority_vote(orders, np.full(len(orders), code), 4, depths)
        assert found.mean(axis=0) == pytest.approx(votes[code], abs=0.03)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200), st.sampled_from([1, 2, 3, 10, 100]))
def test_some_label_wins_every_vote_whatever_the_size_of_the_index(counts, depth):
    wins = chance.majority_vote_by_chance(np.array(counts), np.zeros(len(counts), int), np.array([depth]))
    assert wins.sum() == pytest.approx(1, abs=1e-9)
    assert (wins > -1e-12).all()


def test_the_first_image_votes_as_the_shares_of_the_labels_and_each_group_by_itself():
    counts, group = np.array([1, 2, 3, 4]), np.array([0, 1, 0, 1])
    found = chance.majority_vote_by_chance(counts, group, np.array([1]))[:, 0]
    assert found == pytest.approx([1 / 4, 2 / 6, 3 / 4, 4 / 6])


def test_a_group_of_fewer_images_than_the_depth_is_ranked_to_its_end():
    found = [by_chance(np.array([2]), np.array([4]), np.array([4, 9]))[0] for _, by_chance in CASES]
    assert all(row[0] == pytest.approx(row[1]) for row in found)


def test_a_label_without_index_images_has_no_chance_level():
    nothing, images = np.array([0]), np.array([50])
    assert np.isnan(chance.precision_by_chance(nothing, images)).all()
    assert all(np.isnan(by_chance(nothing, images, DEPTHS)).all() for _, by_chance in CASES)
