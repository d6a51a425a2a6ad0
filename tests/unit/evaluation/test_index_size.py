from statistics import linear_regression

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.evaluation.index_size import fit_index_size, trace_index_size

KEYS = {"dataset": "d", "model": "m", "index": "exact", "level": "pathology", "average": "micro", "metric": "precision"}


def scores(sizes, k=1, **keys):
    """A retrieval table: the values of each size's draws, by (index_size, index_images)."""
    rows = [
        {**KEYS, **keys, "k": k, "index_size": size, "index_images": images, "draw": draw, "value": value}
        for (size, images), values in sizes.items()
        for draw, value in enumerate(values)
    ]
    table = pd.DataFrame(rows)
    return table.assign(ci_low=table["value"] - 0.1, ci_high=table["value"] + 0.2)


def fit(sizes):
    (row,) = fit_index_size(trace_index_size(scores(sizes), [1])).to_dict("records")
    return row


LINE = {("100", 100): [0.2], ("1000", 1000): [0.4], ("full", 10_000): [0.6]}


def test_a_point_is_the_mean_of_its_draws_with_their_spread():
    table = scores({("full", 400): [0.9], ("25pct", 100): [0.5, 0.6, 0.7], ("2-per-label", 40): [0.4, np.nan]})
    points = trace_index_size(table, [1])
    assert points["index_size"].tolist() == ["2-per-label", "25pct", "full"]
    assert points["index_images"].tolist() == [40, 100, 400]
    assert points["draws"].tolist() == [1, 3, 1]
    assert points["value"].tolist() == pytest.approx([0.4, 0.6, 0.9])
    assert points["std"].tolist() == pytest.approx([np.nan, 0.1, np.nan], nan_ok=True)
    assert points["lowest"].tolist() == [0.4, 0.5, 0.9]
    assert points["highest"].tolist() == [0.4, 0.7, 0.9]


def test_the_interval_of_a_point_is_the_mean_of_the_intervals_of_its_draws():
    table = scores({("full", 400): [0.9], ("25pct", 100): [0.4, 0.8], ("2-per-label", 40): [0.4, np.nan]})
    table.loc[table["value"] == 0.8, ["ci_low", "ci_high"]] = [0.5, 0.9]
    points = trace_index_size(table, [1])
    assert points["ci_low"].tolist() == pytest.approx([0.3, (0.3 + 0.5) / 2, 0.8])
    assert points["ci_high"].tolist() == pytest.approx([0.6, (0.6 + 0.9) / 2, 1.1])
    without = trace_index_size(table.assign(ci_low=np.nan, ci_high=np.nan), [1])
    assert without[["ci_low", "ci_high"]].isna().all(axis=None)
    assert without["draws"].tolist() == [1, 2, 1]


def test_only_precision_at_the_depths_asked_for_is_traced():
    table = pd.concat([scores(LINE, k=k) for k in (1, 2, 5)] + [scores(LINE, metric="precision_std")])
    assert set(trace_index_size(table, [1, 5])["k"]) == {1, 5}
    assert len(trace_index_size(table, [1, 5])) == 6


def test_the_slope_is_the_gain_from_ten_times_the_index():
    row = fit(LINE)
    assert row["slope"] == pytest.approx(0.2)
    assert (row["slope_low"], row["slope_high"]) == pytest.approx((0.2, 0.2))
    assert (row["sizes"], row["smallest_images"], row["full_images"], row["full_value"]) == (3, 100, 10_000, 0.6)


def test_the_interval_of_the_slope_equals_that_of_least_squares_by_hand():
    row = fit({("10", 10): [0.1, 0.3], ("100", 100): [0.5], ("1000", 1000): [0.5], ("full", 10_000): [0.7]})
    logs, values = [1, 2, 3, 4], [0.2, 0.5, 0.5, 0.7]
    slope, intercept = linear_regression(logs, values)
    residuals = [value - intercept - slope * place for place, value in zip(logs, values, strict=True)]
    error = (
        sum(residual**2 for residual in residuals) / 2 / 5
    ) ** 0.5  # 2 degrees of freedom; squares of logs sum to 5
    assert row["slope"] == pytest.approx(slope)
    assert row["slope_high"] - slope == pytest.approx(4.302653 * error)  # t table, 0.975, 2 degrees of freedom
    assert slope - row["slope_low"] == pytest.approx(4.302653 * error)


def test_the_interval_covers_the_slope_in_95_of_100_curves():
    generator = np.random.default_rng(0)
    sizes = [(str(10**power), 10**power) for power in range(1, 7)]
    tables = [
        scores({size: [0.1 * np.log10(size[1]) + generator.normal(0, 0.02)] for size in sizes}, model=str(number))
        for number in range(600)
    ]
    fits = fit_index_size(trace_index_size(pd.concat(tables), [1]))
    assert fits["slope"].mean() == pytest.approx(0.1, abs=0.001)
    assert ((fits["slope_low"] < 0.1) & (fits["slope_high"] > 0.1)).mean() == pytest.approx(0.95, abs=0.03)


def test_too_few_sizes_have_no_slope_or_no_interval():
    two = fit({("100", 100): [0.2], ("full", 1000): [0.5]})
    assert two["slope"] == pytest.approx(0.3)
    assert np.isnan(two["slope_low"])
    one = fit({("full", 1000): [0.5]})
    assert np.isnan([one["slope"], one["slope_low"], one["slope_high"]]).all()
    assert one["images_at_95pct"] == 1000


def test_a_flat_curve_has_a_slope_of_0_and_is_reached_at_its_start():
    row = fit({("100", 100): [0.5], ("1000", 1000): [0.5], ("full", 10_000): [0.5]})
    assert (row["slope"], row["slope_low"], row["slope_high"], row["images_at_95pct"]) == (0, 0, 0, 100)


def test_sizes_with_the_same_number_of_images_of_each_label_are_left_out_of_the_fit():
    assert fit(LINE | {("5-per-label", 500): [0.9]}) == fit(LINE)


def test_the_sufficient_size_is_interpolated_in_the_logarithm():
    # 95 % of 0.6 is 0.57, 0.85 of the way from 0.4 to 0.6
    assert fit(LINE)["images_at_95pct"] == pytest.approx(10**3.85)


def test_the_sufficient_size_is_the_first_and_the_smallest_where_that_suffices():
    bumpy = {("10", 10): [0.1], ("100", 100): [0.9], ("1000", 1000): [0.5], ("full", 10_000): [0.6]}
    assert fit(bumpy)["images_at_95pct"] == pytest.approx(10 ** (1 + 0.47 / 0.8))
    assert fit({("100", 100): [0.59], ("full", 1000): [0.6]})["images_at_95pct"] == pytest.approx(100)


def test_without_the_full_index_there_is_no_sufficient_size():
    row = fit({("100", 100): [0.2], ("1000", 1000): [0.5]})
    assert np.isnan(row["images_at_95pct"])
    assert pd.isna(row["full_images"])


def test_there_is_one_row_per_curve():
    table = pd.concat([scores(LINE, model=model, k=k) for model in "ab" for k in (1, 3)])
    assert len(fit_index_size(trace_index_size(table, [1, 3]))) == 4


def test_no_random_size_at_all_gives_an_empty_table():
    assert fit_index_size(trace_index_size(scores({("5-per-label", 50): [0.5]}), [1])).empty


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.floats(0.1, 0.9))
def test_the_sufficient_size_lies_within_the_sizes_and_does_not_change_when_all_values_shrink(values, factor):
    sizes = [(str(place), 10 * 3**place) for place in range(len(values) - 1)] + [("full", 10**4)]
    found = fit({size: [value] for size, value in zip(sizes, values, strict=True)})["images_at_95pct"]
    assert 9.999 < found < 10_001
    shrunk = fit({size: [value * factor] for size, value in zip(sizes, values, strict=True)})
    assert shrunk["images_at_95pct"] == pytest.approx(found)
