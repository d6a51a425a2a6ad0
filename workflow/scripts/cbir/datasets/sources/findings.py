"""What an adapter keeps: images of exactly one finding, and a count of those that it leaves out."""

import numpy as np
import pandas as pd


def keep_images(images: pd.DataFrame, kept: pd.Series | np.ndarray, otherwise: str) -> pd.DataFrame:
    """The images where kept is true; how many were not is noted in `attrs["left_out"]` under the reason `otherwise`.

    Join tables before, not after: pandas drops `attrs` there.
    """
    selected = images[kept].reset_index(drop=True)
    dropped = len(images) - len(selected)
    if dropped:
        selected.attrs["left_out"] = {**images.attrs.get("left_out", {}), otherwise: dropped}
    return selected


def single_finding(positive: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The one finding of each image, and which images have exactly one.

    positive: finding -> (images,) bool. Returns (images,) int, the finding's place in the dict (the last positive one
    where there are several), and (images,) bool.
    """
    images = len(next(iter(positive.values())))
    place, count = np.zeros(images, np.int32), np.zeros(images, np.int32)
    for number, is_positive in enumerate(positive.values()):
        place[is_positive] = number
        count += is_positive
    return place, count == 1


def is_positive(values: pd.Series) -> np.ndarray:
    """Where a column is 1, as a number or as text: not where it is blank, 0, or -1 (uncertain)."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        ones = pd.to_numeric(pd.Series(values.cat.categories), errors="coerce") == 1
        return np.append(ones, False)[values.cat.codes]
    return (pd.to_numeric(values, errors="coerce") == 1).to_numpy(bool)
