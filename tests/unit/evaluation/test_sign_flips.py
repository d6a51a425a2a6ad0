from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.evaluation.comparisons import compare_values
from cbir.evaluation.sign_flips import LEVEL, flip_sums, run_randomization_test


def outcomes(seed, patients):
    """Values of three models at two depths, (3, queries, 2), labels and patients; the values are shares of hits."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 1 + generator.poisson(2, patients))
    steps, chance = generator.integers(1, 6), generator.uniform(0.2, 0.99, (3, 1, 1))
    values = generator.binomial(steps, chance, (3, len(patient), 2)) / steps
    return values, generator.integers(0, 4, len(patient)), patient


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5, 6, 8, 20, 60]))
def test_p_is_005_or_less_exactly_where_the_interval_leaves_out_0(seed, patients):
    for found in compare_values(*outcomes(seed, patients), seed=0).values():
        left_out = (found["ci_low"] > 0) | (found["ci_high"] < 0)
        np.testing.assert_array_equal(left_out, found["p"] <= 0.05)
        if patients > 1:
            assert (found["ci_low"] <= found["difference"] + 1e-9).all()
            assert (found["difference"] <= found["ci_high"] + 1e-9).all()


def test_a_clear_difference_of_8_patients_is_found_and_5_patients_cannot_show_one():
    for patients, expected in ((5, (-1, 1)), (8, (0.5, 0.5))):
        values = np.stack([np.ones(patients), np.full(patients, 0.5)])[:, :, None]
        found = compare_values(values, np.zeros(patients, int), np.arange(patients), seed=0)["micro"]
        assert (found["ci_low"].item(), found["ci_high"].item()) == pytest.approx(expected)
        assert (found["p"].item() <= 0.05) == (patients == 8)


def test_the_interval_holds_the_shifts_that_all_sign_flips_do_not_reject():
    """The ends are found by a search over shifts, each tested with all flips of 9 patients."""
    generator = np.random.default_rng(1)
    weight = generator.dirichlet(np.full(9, 3.0))
    part = weight * generator.normal(0.15, 0.2, 9)
    flips = np.array(list(product([-1, 1], repeat=9)))
    shifts = np.linspace(-0.5, 0.8, 2601)
    reached = np.abs(flips @ (part[:, None] - weight[:, None] * shifts)) >= np.abs(part.sum() - shifts) - 1e-12
    kept = shifts[reached.mean(axis=0) > LEVEL]
    flipped = flip_sums(np.column_stack([part, weight]), seed=3)
    _, low, high = run_randomization_test(part.sum(keepdims=True), flipped[:, :1], flipped[:, 1])
    assert (low.item(), high.item()) == pytest.approx((kept.min(), kept.max()), abs=0.01)


@pytest.mark.parametrize("patients", [8, 20, 60])
def test_intervals_of_differences_cover_the_truth(patients):
    generator, held = np.random.default_rng(2), []
    patient = np.repeat(np.arange(patients), 3)
    truth = 2 / 3 - 0.567  # means of the density 2 x, and of x - 0.1 where that is positive
    for _ in range(8):
        ability = generator.beta(2, 1, (50, 1, patients))[:, :, patient] - np.array([[0.0], [0.1]])
        values = (generator.random(ability.shape) < ability).astype(float)
        found = compare_values(values.transpose(1, 2, 0), patient * 0, patient, seed=0)["micro"]
        held += [(found["ci_low"] <= truth) & (truth <= found["ci_high"])]
    assert 0.93 <= np.mean(held) <= 0.985


def test_equal_models_differ_by_0_and_exactly_so():
    values = np.repeat(np.random.default_rng(3).random((1, 30, 1)), 2, axis=0)
    found = compare_values(values, np.zeros(30, int), np.arange(30) // 2, seed=0)["macro"]
    assert [found[name].item() for name in ("difference", "ci_low", "ci_high", "p")] == [0, 0, 0, 1]


def test_flips_are_the_same_for_all_columns_and_each_sign_is_equally_likely():
    sums = flip_sums(np.column_stack([np.eye(3), np.ones(3)]), seed=0)
    np.testing.assert_array_equal(sums[:, :3].sum(axis=1), sums[:, 3])
    assert set(np.unique(sums[:, :3])) == {-1, 1}
    assert sums[:, :3].mean(axis=0) == pytest.approx(np.zeros(3), abs=0.03)
