"""The index-size curve: how precision grows with the index, and how large an index is large enough."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

CURVE = ["dataset", "model", "index", "level", "average", "k"]
ENOUGH = 0.95  # of the precision with the full index


def trace_curves(scores: pd.DataFrame, depths: Sequence[int]) -> pd.DataFrame:
    """Precision at some depths against the size of the index, over the draws of each size.

    scores: the retrieval table. Returns a row a size of each CURVE, sorted by CURVE and images: index_size,
    index_images, draws, value (their mean), std (divided by draws less one), lowest and highest. A draw without a value
    is left out.
    """
    shown = scores[(scores["metric"] == "precision") & scores["k"].isin(depths)].dropna(subset="value")
    draws = shown.groupby([*CURVE, "index_size", "index_images"])["value"]
    points = draws.agg(draws="count", value="mean", std="std", lowest="min", highest="max").reset_index()
    return points.sort_values([*CURVE, "index_images", "index_size"], ignore_index=True)


def fit_curves(points: pd.DataFrame) -> pd.DataFrame:
    """The slope of each curve over the logarithm of its size, and the size that is large enough.

    points: as trace_curves gives them. Sizes that take as many images of each label are left out, since their indexes
    have another composition than the random ones.

    Returns a row a CURVE: sizes; slope, the gain in precision from an index ten times as large (least squares over the
    means of the sizes), and its 95 % t interval slope_low, slope_high, with three sizes or more; smallest_images;
    full_images; full_value; images_at_95pct, where the curve first reaches 95 % of the full index's precision,
    interpolated between sizes by the logarithm of images, smallest_images where that has reached it already, NaN where
    the full index is not among the sizes. The interval is of the residuals, in which the error of the straight line
    and that of the draws are both contained; resampling a few draws, whose sizes are nested, would show neither.
    """
    drawn = points[~points["index_size"].str.endswith("-per-label")]
    fits = [{**dict(zip(CURVE, key, strict=True)), **_fit(curve)} for key, curve in drawn.groupby(CURVE)]
    columns = ["sizes", "slope", "slope_low", "slope_high", "smallest_images", "full_images", "full_value"]
    return pd.DataFrame(fits, columns=[*CURVE, *columns, "images_at_95pct"]).astype({"full_images": "Int64"})


def _fit(curve: pd.DataFrame) -> dict:
    """Slope, interval and sufficient size of one curve's rows, ascending by images."""
    images, values = curve["index_images"].to_numpy(), curve["value"].to_numpy()
    slope, half = _fit_line(np.log10(images), values)
    full = curve[curve["index_size"] == "full"]
    found = {
        "sizes": len(curve),
        "slope": slope,
        "slope_low": slope - half,
        "slope_high": slope + half,
        "smallest_images": images[0],
    }
    if len(full):
        found |= {"full_images": full["index_images"].item(), "full_value": full["value"].item()}
        found["images_at_95pct"] = _first_crossing(images, values, ENOUGH * found["full_value"])
    return found


def _fit_line(places: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Slope by least squares and half of its 95 % t interval; NaN below two places, and below three points."""
    squares = np.square(places - places.mean()).sum()
    if squares == 0:
        return np.nan, np.nan
    slope = (places - places.mean()) @ values / squares
    residuals = values - values.mean() - slope * (places - places.mean())
    freedom = len(places) - 2
    if freedom == 0:
        return slope, np.nan
    return slope, stdtrit(freedom, 0.975) * np.sqrt(residuals @ residuals / freedom / squares)


def _first_crossing(images: np.ndarray, values: np.ndarray, target: float) -> float:
    """Where the curve first reaches `target`, which it does; its start where that is no less."""
    reached = int(np.argmax(values >= target))
    if reached == 0:
        return images[0]
    between = slice(reached - 1, reached + 1)
    return 10 ** np.interp(target, values[between], np.log10(images[between]))
