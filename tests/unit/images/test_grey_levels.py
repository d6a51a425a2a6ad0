import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.images.grey_levels import finite_values, high_byte, levels_between, round_levels, shares_between


def test_levels_follow_the_formula_on_paper():
    values = np.array([[-10, 0, 1], [50, 99.9, 100]])
    expected = [[0, 0, 3], [128, 255, 255]]  # 255 * 1 / 100 = 2.55; 127.5 is rounded up; 254.745
    np.testing.assert_array_equal(levels_between(values, 0, 100), expected)


def test_values_outside_the_range_and_infinity_take_the_nearest_end_and_nan_is_black():
    values = np.array([-np.inf, -1, 0, 7, np.inf, np.nan])
    np.testing.assert_array_equal(levels_between(values, 0, 5), [0, 0, 0, 255, 255, 0])


@pytest.mark.filterwarnings("error")
def test_a_range_of_one_value_is_black():
    assert not levels_between(np.array([3, 3]), 3, 3).any()


@given(st.lists(st.integers(-(2**31), 2**31), min_size=2, max_size=30))
def test_levels_keep_the_order_of_values_and_reach_both_ends(values):
    values = np.sort(values)
    levels = levels_between(values, values[0], values[-1])
    assert (np.diff(levels.astype(int)) >= 0).all()
    assert levels.dtype == np.uint8
    assert (levels[0], levels[-1]) == (0, 255 if values[-1] > values[0] else 0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_shares_of_floats_keep_their_precision(kind):
    assert shares_between(np.array([0.25, 0.5], kind), 0.25, 0.5).dtype == kind


def test_shares_are_rounded_half_up_to_levels():
    np.testing.assert_array_equal(round_levels(np.array([0, 0.5 / 255, 0.499 / 255, 1])), [0, 1, 0, 255])


@pytest.mark.parametrize(("kind", "bits"), [(np.uint16, 16), (np.uint16, 12), (np.uint32, 32)])
def test_the_high_byte_is_the_value_without_its_lower_bits(kind, bits):
    values = np.array([0, 1, 2 ** (bits - 8), 2**bits - 1], kind)
    np.testing.assert_array_equal(high_byte(values, bits), [0, 0, 1, 255])


def test_values_of_at_most_8_bits_are_their_own_high_byte():
    np.testing.assert_array_equal(high_byte(np.array([0, 3, 255], np.uint8), 8), [0, 3, 255])
    np.testing.assert_array_equal(high_byte(np.array([0, 3, 15], np.uint8), 4), [0, 3, 15])


def test_only_finite_values_are_kept():
    np.testing.assert_array_equal(finite_values(np.array([[1, np.nan], [np.inf, 2]])), [1, 2])
    whole = np.array([[1, 2], [3, 4]])
    assert finite_values(whole) is whole
