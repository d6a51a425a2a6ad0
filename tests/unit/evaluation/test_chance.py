from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from cbir.evaluation import chance
from cbir.evaluation.hits import mark_hits, precision
from cbir.evaluation.levels import read_level
from cbir.evaluation.metrics import (
    average_precision,
    found_average_precision,
    hit_rate,
    majority_vote,
    normalized_gain,
    r_precision,
    recall,
    reciprocal_rank,
    tied_majority_vote,
)
from rankings import hits_of

CASES = [
    (average_precision, chance.average_precision_by_chance),
    (found_average_precision, chance.found_average_precision_by_chance),
    (hit_rate, chance.hit_rate_by_chance),
    (normalized_gain, chance.normalized_gain_by_chance),
    (reciprocal_rank, chance.reciprocal_rank_by_chance),
    (recall, chance.recall_by_chance),
]
ORDERS = np.array(list(permutations(range(6))))  # all orders of six images
DEPTHS = np.arange(1, 7)
VOTES = [
    (majority_vote, chance.majority_vote_by_chance),
    (tied_majority_vote, chance.tied_majority_vote_by_chance),
]
ERROR = 0.0125  # 3.5 standard errors of a share of 20,000 draws


def level_of(counts, groups=None):
    """A level of an index with so many images of each label; labels of the same group are ranked together."""
    label = np.repeat(np.arange(len(counts)), counts)
    groups = np.zeros(len(counts), int) if groups is None else np.array(groups)
    names = {"modality": groups[label], "anatomic_region": 0, "label": label}
    missing = np.flatnonzero(np.array(counts) == 0)  # labels of the manifest without an image in the index
    rest = pd.DataFrame({"modality": groups[missing], "anatomic_region": 0, "label": missing})
    return read_level(pd.concat([pd.DataFrame(names), rest]), "pathology_in_region", np.arange(len(label)))


@pytest.mark.parametrize(("metric", "by_chance"), CASES)
@pytest.mark.parametrize("relevant", range(1, 7))
def test_chance_is_the_mean_over_all_orders_of_six_images(metric, by_chance, relevant):
    hits = hits_of(relevant > ORDERS, np.full(len(ORDERS), relevant))
    expected = metric(hits, DEPTHS).mean(axis=0)
    assert by_chance(level_of([relevant, 6 - relevant]), DEPTHS)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("relevant", range(1, 7))
def test_chance_of_precision_is_the_mean_over_all_orders_of_six_images(relevant):
    hits = hits_of(relevant > ORDERS, np.full(len(ORDERS), relevant))
    expected = chance.precision_by_chance(level_of([relevant, 6 - relevant]), DEPTHS)[0]
    assert precision(hits, DEPTHS).mean(axis=0) == pytest.approx(expected)
    assert r_precision(hits, DEPTHS).mean(axis=0) == pytest.approx(expected)


@pytest.mark.parametrize(("metric", "by_chance"), VOTES)
@pytest.mark.parametrize("counts", [[6], [3, 3], [1, 5], [2, 2, 2], [1, 2, 3], [1] * 6, [4, 1, 1], [0, 2, 4]])
def test_chance_of_a_vote_is_near_the_mean_over_all_orders_of_six_images(counts, metric, by_chance):
    label = np.repeat(np.arange(len(counts)), counts)
    found = by_chance(level_of(counts), DEPTHS)
    for code, count in enumerate(counts):
        if count:
            hits = mark_hits(label[ORDERS], np.full(len(ORDERS), code), np.full(len(ORDERS), count))
            assert found[code] == pytest.approx(metric(hits, DEPTHS).mean(axis=0), abs=ERROR)
        else:
            assert np.isnan(found[code]).all()


def test_chance_is_the_mean_score_of_random_orders_of_a_larger_index():
    generator = np.random.default_rng(0)
    counts, depths = np.array([3, 30, 60, 107]), np.array([1, 5, 10, 50])
    label = np.repeat(np.arange(4), counts)
    orders = label[generator.permuted(np.tile(np.arange(200), (6000, 1)), axis=1)][:, :50]
    level = level_of(counts)
    votes = chance.majority_vote_by_chance(level, depths)
    for code, count in enumerate(counts):
        hits = mark_hits(orders, np.full(len(orders), code), np.full(len(orders), count))
        for metric, by_chance in CASES:
            found = metric(hits, depths)
            error = 4.5 * found.std(axis=0) / np.sqrt(len(orders)) + 1e-6  # some orders are too rare to be seen
            assert (abs(found.mean(axis=0) - by_chance(level, depths)[code]) < error).all(), (metric, count)
        assert majority_vote(hits, depths).mean(axis=0) == pytest.approx(votes[code], abs=0.03)


def test_the_chance_of_a_hit_is_that_of_the_hypergeometric_distribution():
    counts, depths = np.array([3, 30, 60, 107]), np.array([1, 5, 50, 200])
    expected = hypergeom(200, counts[:, None], depths).sf(0)
    np.testing.assert_allclose(chance.hit_rate_by_chance(level_of(counts), depths), expected, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 10**4), min_size=1, max_size=100), st.sampled_from([1, 2, 3, 10, 100]))
def test_the_chances_of_all_labels_to_win_a_vote_add_up_to_1(counts, depth):
    wins = chance.majority_vote_by_chance(level_of(counts), np.array([depth]))
    assert wins.sum() == pytest.approx(1, abs=1e-9)
    assert (wins >= 0).all()


@pytest.mark.parametrize("labels", [161, 10_000])
def test_a_vote_of_1000_images_has_a_chance_level_with_many_labels(labels):
    counts = 1 + np.random.default_rng(0).multinomial(200_000, np.arange(labels) / sum(range(labels)))
    wins = chance.majority_vote_by_chance(level_of(counts), np.array([1000]))[:, 0]
    assert wins.sum() == pytest.approx(1, abs=1e-9)
    assert wins[-labels // 10 :].sum() > wins[: labels // 2].sum()  # the most frequent tenth against the rarest half


def test_the_size_of_blocks_changes_a_simulation_only_by_chance(monkeypatch):
    level, depths = level_of([3, 30, 60, 107]), np.array([1, 10])
    whole = chance.majority_vote_by_chance(level, depths)
    monkeypatch.setattr(chance, "BLOCK", 4 * 3333)
    assert chance.majority_vote_by_chance(level, depths) == pytest.approx(whole, abs=ERROR)


def test_a_simulation_depends_on_the_seed_and_on_nothing_else():
    level, depths = level_of([3, 30, 60, 107]), np.array([5, 10])
    first = chance.majority_vote_by_chance(level, depths)
    np.testing.assert_array_equal(chance.majority_vote_by_chance(level, depths[1:]), first[:, 1:])
    assert not np.array_equal(chance.majority_vote_by_chance(level, depths, seed=1), first)


def test_the_first_image_votes_in_proportion_to_the_labels_of_its_group():
    found = chance.majority_vote_by_chance(level_of([1, 2, 3, 4], groups=[0, 1, 0, 1]), np.array([1]))[:, 0]
    assert found == pytest.approx([1 / 4, 2 / 6, 3 / 4, 4 / 6], abs=ERROR)


def test_a_group_of_fewer_images_than_the_depth_is_ranked_to_its_end():
    found = [by_chance(level_of([2, 2]), np.array([4, 9]))[0] for _, by_chance in CASES]
    assert all(row[0] == pytest.approx(row[1]) for row in found)


def test_a_label_without_index_images_has_no_chance_level():
    level = level_of([0, 50])
    for by_chance in (chance.precision_by_chance, *(by_chance for _, by_chance in CASES)):
        assert np.isnan(by_chance(level, DEPTHS)[0]).all()
        assert np.isfinite(by_chance(level, DEPTHS)[1]).all()
