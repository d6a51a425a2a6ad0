"""Label codes: the number that stands for a label wherever arrays are computed."""

import numpy as np
import pandas as pd


def label_codes(label: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Code of each image's label, and the names of the labels.

    label: (images,) text without missing values. Returns (images,) int64 codes from 0, and the (labels,) distinct
    names, sorted; a code is a position among the names. The codes depend on nothing but the set of names, so every
    step that reads the same manifest gets the same codes.

    >>> codes, names = label_codes(pd.Series(["MR/head/tumour", "CT/chest/normal", "MR/head/tumour"]))
    >>> codes.tolist(), names.tolist()
    ([1, 0, 1], ['CT/chest/normal', 'MR/head/tumour'])
    """
    codes, names = pd.factorize(label, sort=True)
    return codes.astype(np.int64), names


def group_codes(images: pd.DataFrame) -> np.ndarray:
    """Code of each image's combination of values: (images,) int64 from 0.

    Combinations are sorted by the first column, then by the second, and so on.

    >>> group_codes(pd.DataFrame({"modality": ["MR", "CT", "CT"], "anatomic_region": ["head", "head", "chest"]}))
    array([2, 1, 0])
    """
    return images.groupby(list(images), sort=True).ngroup().to_numpy(np.int64)
