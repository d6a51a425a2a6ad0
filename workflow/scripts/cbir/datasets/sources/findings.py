"""Selection of images: which have exactly one finding, and how many were left out."""

import numpy as np
import pandas as pd


def keep_images(images: pd.DataFrame, kept: pd.Series | np.ndarray, otherwise: str) -> pd.DataFrame:
    """The images where `kept` is true; `attrs["left_out"]` counts the others under the reason `otherwise`.

    images: one row per image. kept: (images,) bool. Join tables before this step, because pandas drops `attrs` in a
    join.

    >>> images = keep_images(pd.DataFrame({"image_id": ["a", "b", "c"]}), np.array([True, False, False]), "no label")
    >>> images["image_id"].tolist(), images.attrs["left_out"]
    (['a'], {'no label': 2})
    """
    selected = images[kept].reset_index(drop=True)
    dropped = len(images) - len(selected)
    if dropped:
        selected.attrs["left_out"] = {**images.attrs.get("left_out", {}), otherwise: dropped}
    return selected


def single_finding(positive: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The finding of each image, and whether the image has exactly one.

    positive: finding -> (images,) bool. Returns (images,) int, the position of the finding in `positive` (of the last
    positive one if there are several, and 0 if there is none), and (images,) bool.

    >>> edema, mass = np.array([True, False, True]), np.array([False, True, True])
    >>> position, is_single = single_finding({"Edema": edema, "Mass": mass})
    >>> position.tolist(), is_single.tolist()
    ([0, 1, 1], [True, True, False])
    """
    images = len(next(iter(positive.values())))
    position, count = np.zeros(images, np.int32), np.zeros(images, np.int32)
    for number, is_positive in enumerate(positive.values()):
        position[is_positive] = number
        count += is_positive
    return position, count == 1


def is_positive(values: pd.Series) -> np.ndarray:
    """Whether each value is 1, as a number or as text. Blank, 0 and -1 (uncertain) are not positive.

    >>> is_positive(pd.Series(["1.0", "", "0", "-1", "1"])).tolist()
    [True, False, False, False, True]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        ones = pd.to_numeric(pd.Series(values.cat.categories), errors="coerce") == 1
        return np.append(ones, False)[values.cat.codes]
    return (pd.to_numeric(values, errors="coerce") == 1).to_numpy(bool)
