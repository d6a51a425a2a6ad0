"""Thumbnails: small grey pictures, by which near copies are found."""

import numpy as np
from PIL import Image

SIDE = 32  # side of a thumbnail in pixels


def make_thumbnail(pixels: np.ndarray) -> np.ndarray:
    """The grey thumbnail of a picture, as the means over equal boxes; its sides are not kept in proportion.

    pixels: (h, w) grey or (h, w, 3) RGB, uint8. Returns (32, 32) uint8.

    >>> make_thumbnail(np.repeat(np.uint8([[0, 200]]), 64, axis=1))[0, [0, 15, 16, 31]].tolist()
    [0, 0, 200, 200]
    """
    picture = Image.fromarray(pixels).convert("L")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
