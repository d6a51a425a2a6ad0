"""Grey levels, 0 (black) to 255 (white), from stored values of any depth."""

import numpy as np


def levels_between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Grey levels that rise linearly from `low` (0) to `high` (255).

    values: numbers of any type and shape. Returns uint8 of the same shape. Values outside the range take its nearest
    end, NaN is black, and all values are black where `low` equals `high`.

    >>> levels_between(np.array([-5.0, 0.0, 5.0, 10.0, np.nan]), 0, 10)
    array([  0,   0, 128, 255,   0], dtype=uint8)
    """
    return round_levels(np.nan_to_num(shares_between(values.astype(np.float64), low, high)))


def shares_between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Position of each value between `low` (0) and `high` (1), of the same shape; values outside take the nearest end.

    Float values are computed in their own precision, integers in float64. All shares are 0 where `low` equals `high`.

    >>> shares_between(np.array([1, 2, 3, 9]), 1, 5)
    array([0.  , 0.25, 0.5 , 1.  ])
    """
    low, high = float(low), float(high)
    return (np.clip(values, low, high) - low) / max(high - low, np.finfo(float).tiny)


def round_levels(shares: np.ndarray) -> np.ndarray:
    """Grey levels of shares between 0 and 1, rounded half up: uint8 of the same shape.

    >>> round_levels(np.array([0, 0.25, 0.5, 1]))
    array([  0,  64, 128, 255], dtype=uint8)
    """
    return (shares * 255 + 0.5).astype(np.uint8)


def high_byte(values: np.ndarray, bits: int) -> np.ndarray:
    """The eight highest of `bits` bits of each unsigned integer, as uint8 of the same shape.

    Values of 8 bits or fewer stay as they are.

    >>> high_byte(np.array([0x12FF, 0x8000]), 16)
    array([ 18, 128], dtype=uint8)
    """
    return (values >> (bits - 8) if bits > 8 else values).astype(np.uint8, copy=False)


def finite_values(values: np.ndarray) -> np.ndarray:
    """The values that are numbers: without NaN and infinity, (n,), where there are any; otherwise `values` unchanged.

    >>> finite_values(np.array([1.0, np.nan, 3.0]))
    array([1., 3.])
    """
    if values.dtype.kind != "f":
        return values
    is_finite = np.isfinite(values)
    return values if is_finite.all() else values[is_finite]
