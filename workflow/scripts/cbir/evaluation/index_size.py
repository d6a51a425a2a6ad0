"""Index size: how precision grows with the index, and how large an index is large enough."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

CURVE_KEYS = ["dataset", "model", "index", "level", "average", "k"]  # one curve over the sizes for each combination
ENOUGH = 0.95  # share of the precision of the full index that a large enough index reaches
PER_LABEL = "-per-label"  # end of the names of sizes that take the same number of images of each label


def trace_index_size(scores: pd.DataFrame, depths: Sequence[int]) -> pd.DataFrame:
    """Precision at some depths for each size of the index, over the draws of the size.

    scores: the retrieval table. Returns one row per curve and size, sorted by CURVE_KEYS and images: index_size,
    index_images, draws, value (mean over draws), std (divided by draws less one), lowest and highest, ci_low and
    ci_high (means over draws of the ends of the intervals). A draw without a value is left out.

    >>> keys = {"dataset": "d", "model": "m", "index": "exact", "level": "pathology", "average": "micro"}
    >>> draws = {"index_size": "9", "index_images": 9, "value": [0.25, 0.75], "ci_low": [0.0, 0.5], "ci_high": 1.0}
    >>> table = pd.DataFrame(keys | draws | {"k": 1, "metric": "precision"})
    >>> trace_index_size(table, [1])[["index_images", "draws", "value", "lowest", "highest", "ci_low", "ci_high"]]
       index_images  draws  value  lowest  highest  ci_low  ci_high
    0             9      2    0.5    0.25     0.75    0.25      1.0
    """
    shown = scores[(scores["metric"] == "precision") & scores["k"].isin(depths)].dropna(subset="value")
    points = shown.groupby([*CURVE_KEYS, "index_size", "index_images"], as_index=False).agg(
        draws=("value", "count"),
        value=("value", "mean"),
        std=("value", "std"),
        lowest=("value", "min"),
        highest=("value", "max"),
        ci_low=("ci_low", "mean"),
        ci_high=("ci_high", "mean"),
    )
    return points.sort_values([*CURVE_KEYS, "index_images", "index_size"], ignore_index=True)


def fit_index_size(points: pd.DataFrame) -> pd.DataFrame:
    """The slope of each curve over the logarithm of the size, and the size that is large enough.

    points: as trace_index_size returns them. Sizes that take the same number of images of each label are left out,
    because the composition of their indexes differs from that of the random ones.

    Returns one row per curve: sizes, slope, slope_low, slope_high, smallest_images, full_images, full_value,
    images_at_95pct. slope is the gain in precision from an index ten times as large, by least squares over the means of
    the sizes. slope_low and slope_high are its 95 % t interval, from three sizes on. The interval comes from the
    residuals, which contain both the error of the straight line and that of the draws; resampling a few draws, whose
    sizes are nested, would show neither.

    images_at_95pct is where the curve first reaches 95 % of the full index's precision, interpolated between sizes by
    the logarithm of images. It is smallest_images where the smallest index reaches that already, and NaN where the full
    index is not among the sizes.
    """
    drawn = points[~points["index_size"].str.endswith(PER_LABEL)]
    fits = [{**dict(zip(CURVE_KEYS, key, strict=True)), **_fit(curve)} for key, curve in drawn.groupby(CURVE_KEYS)]
    columns = ["sizes", "slope", "slope_low", "slope_high", "smallest_images", "full_images", "full_value"]
    return pd.DataFrame(fits, columns=[*CURVE_KEYS, *columns, "images_at_95pct"]).astype({"full_images": "Int64"})


def _fit(curve: pd.DataFrame) -> dict:
    """Slope, interval and sufficient size of one curve, whose rows ascend by images."""
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
    """Slope by least squares, and half the width of its 95 % t interval.

    The slope is NaN where all places are the same, the half width also below three points.
    """
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
    """Images at which the curve first reaches `target`; its smallest where that reaches it already.

    The largest value of the curve must reach `target`.
    """
    reached = int(np.argmax(values >= target))
    if reached == 0:
        return images[0]
    between = slice(reached - 1, reached + 1)
    return 10 ** np.interp(target, values[between], np.log10(images[between]))
