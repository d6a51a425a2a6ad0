import numpy as np
import pandas as pd
import pytest

from cbir.evaluation import bootstrap
from cbir.evaluation.bootstrap import bootstrap_means, percentile_interval


def resample(values, labels, patients, draws, seed):
    """Means of levels, (levels, queries, columns) and (levels, queries): (levels, draws, columns) by average."""
    means = bootstrap_means(list(zip(values, labels, strict=True)), patients, draws, seed)
    return {average: np.stack([level[average] for level in means]) for average in ("micro", "macro")}


def cases(seed, queries=60, patients=9):
    """Values at two levels, the second with gaps, and labels of which some are missing in small draws of patients."""
    generator = np.random.default_rng(seed)
    values = generator.random((2, queries, 3))
    values[1, generator.random(queries) < 0.4] = np.nan
    patient = generator.permutation(np.arange(queries) % patients)
    return values, np.stack([patient % 3 * 5, generator.integers(0, 8, queries)]), patient


def simulate(generator, patients, images=8):
    """Values (1, queries, 1) whose chance varies from patient to patient; the true mean is 0.5."""
    ability = generator.beta(1, 1, patients)
    values = generator.random((patients, images)) < ability[:, None]
    return values.reshape(1, -1, 1).astype(float), np.repeat(np.arange(patients), images)


@pytest.mark.parametrize("block", [bootstrap.BLOCK, 100])
def test_means_equal_those_of_the_drawn_patients_queries(block, monkeypatch):
    values, labels, patients = cases(1)
    drawn = []

    def draw_weights(generator, number, size):
        taken = generator.integers(number, size=(size, number))
        drawn.extend(taken)
        return np.stack([np.bincount(draw, minlength=number) for draw in taken], axis=1).astype(float)

    monkeypatch.setattr(bootstrap, "BLOCK", block)
    monkeypatch.setattr(bootstrap, "_draw_weights", draw_weights)
    means = resample(values, labels, patients, 30, seed=2)
    assert len(drawn) == 30
    for draw, taken in enumerate(drawn):
        rows = np.concatenate([np.flatnonzero(patients == patient) for patient in taken])
        for level in range(2):
            table = pd.DataFrame(values[level, rows]).assign(label=labels[level, rows]).dropna()
            np.testing.assert_allclose(means["micro"][level, draw], table.drop(columns="label").mean(), atol=1e-12)
            np.testing.assert_allclose(means["macro"][level, draw], table.groupby("label").mean().mean(), atol=1e-12)
    assert any(len(set(taken % 3)) < 3 for taken in drawn)


def test_a_draw_takes_as_many_patients_as_there_are_and_each_is_equally_likely():
    weights = bootstrap._draw_weights(np.random.default_rng(0), 20, 5000)
    assert (weights.sum(axis=0) == 20).all()
    assert abs(weights.mean(axis=1) - 1).max() < 0.08
    assert weights.var(axis=1) == pytest.approx(np.full(20, 19 / 20), rel=0.15)  # multinomial: n p (1 - p)


def test_the_same_seed_draws_the_same_patients_for_other_values():
    values, labels, patients = cases(3)
    means = resample(values, labels, patients, 50, seed=7)
    again = resample(values, labels, patients, 50, seed=7)
    shifted = resample(values + 1, labels, patients, 50, seed=7)
    other = resample(values, labels, patients, 50, seed=8)
    for average in ("micro", "macro"):
        np.testing.assert_array_equal(again[average], means[average])
        np.testing.assert_allclose(shifted[average], means[average] + 1, atol=1e-12)
        assert not np.array_equal(other[average], means[average])


def test_the_order_of_queries_changes_nothing():
    values, labels, patients = cases(4)
    order = np.random.default_rng(0).permutation(len(patients))
    means = resample(values, labels, patients, 50, seed=7)
    shuffled = resample(values[:, order], labels[:, order], patients[order], 50, seed=7)
    for average in ("micro", "macro"):
        np.testing.assert_allclose(shuffled[average], means[average], atol=1e-12)


def test_the_spread_of_draws_is_the_standard_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=(1, 400, 1))
    micro = resample(values, np.zeros((1, 400), int), np.arange(400), 4000, seed=0)["micro"]
    assert micro.std() == pytest.approx(values.std() / 20, rel=0.04)


def test_images_of_one_patient_count_as_one_observation():
    ability = np.random.default_rng(0).random(100)
    values, patients = np.repeat(ability, 16).reshape(1, -1, 1), np.repeat(np.arange(100), 16)
    micro = resample(values, np.zeros((1, 1600), int), patients, 4000, seed=0)["micro"]
    assert micro.std() == pytest.approx(ability.std() / 10, rel=0.04)


def test_the_micro_interval_covers_the_truth_in_95_of_100_samples_and_an_interval_over_images_does_not():
    generator = np.random.default_rng(5)
    covered = {"patients": [], "images": []}
    for seed in range(400):
        values, patients = simulate(generator, 60)
        for unit, codes in (("patients", patients), ("images", np.arange(len(patients)))):
            micro = resample(values, np.zeros((1, len(codes)), int), codes, 300, seed)["micro"]
            low, high = percentile_interval(micro[0])
            covered[unit].append(low.item() <= 0.5 <= high.item())
    assert 0.915 <= np.mean(covered["patients"]) <= 0.975
    assert np.mean(covered["images"]) < 0.85


def test_the_macro_interval_covers_the_truth_in_95_of_100_samples():
    generator = np.random.default_rng(6)
    covered = []
    for seed in range(400):
        parts = [simulate(generator, patients)[0] for patients in (30, 60, 90)]
        values = np.concatenate(parts, axis=1)
        labels = np.repeat([0, 1, 2], [part.size for part in parts])
        macro = resample(values, labels[None], np.arange(values.size) // 8, 300, seed)["macro"]
        low, high = percentile_interval(macro[0])
        covered.append(low.item() <= 0.5 <= high.item())
    assert 0.915 <= np.mean(covered) <= 0.975


def test_the_percentile_interval_holds_95_of_100_draws_and_skips_empty_ones():
    means = np.append(np.arange(101.0), np.nan)[:, None]
    low, high = percentile_interval(means)
    assert (low.item(), high.item()) == pytest.approx((2.5, 97.5))


def test_a_single_patient_gives_no_interval(recwarn):
    values, labels = np.random.default_rng(0).random((2, 6, 2)), np.zeros((2, 6), int)
    values[0, 4:] = np.nan
    for means in resample(values, labels, np.array([0, 0, 0, 0, 1, 1]), 30, seed=0).values():
        assert np.isnan(percentile_interval(means[0])).all()
        assert np.isfinite(percentile_interval(means[1])).all()
    assert not recwarn.list


def test_each_sample_has_the_same_draws_whichever_others_are_asked_for():
    values, labels, patients = cases(5)
    alone = resample(values[1:], labels[1:], patients, 20, seed=3)
    both = resample(values, labels, patients, 20, seed=3)
    for average in ("micro", "macro"):
        np.testing.assert_array_equal(alone[average][0], both[average][1])


def test_a_query_with_a_value_in_some_columns_only_is_refused():
    values, labels, patients = cases(6)
    values[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match="in some columns only"):
        resample(values, labels, patients, 5, seed=0)
