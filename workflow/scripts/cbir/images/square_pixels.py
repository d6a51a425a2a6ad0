"""Pictures whose pixels are wider than high, or higher than wide, resampled to square pixels."""

import numpy as np
from PIL import Image

from cbir.errors import InputError


def make_square(pixels: np.ndarray, sides: np.ndarray, largest: int, filtering: Image.Resampling) -> np.ndarray:
    """Resample a picture to square pixels with the smaller of the two sides of its pixels.

    pixels: (h, w) or (h, w, 3), uint8. sides: height and width of one pixel, (2,), in any unit. largest: the greatest
    number of pixels of the result.

    Returns uint8 of the new height and width. Raises InputError for a result of too many pixels.

    >>> make_square(np.array([[0, 200]], np.uint8), np.array([1, 2]), 4, Image.Resampling.BILINEAR)
    array([[  0,  50, 150, 200]], dtype=uint8)
    """
    height, width = (int(side) for side in np.rint(np.asarray(pixels.shape[:2]) * sides / np.min(sides)))
    if height * width > largest:
        raise InputError(f"{width} x {height} square pixels; at most {largest} are read")
    return np.array(Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), filtering))
