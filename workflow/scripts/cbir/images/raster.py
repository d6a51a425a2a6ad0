"""Pixels of PNG, JPEG, TIFF and other picture files."""

import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from cbir.errors import InputError
from cbir.images.grey_levels import finite_values, levels_between

# Pillow warns of pictures that it refuses later, and of large ones, for which we have a limit of our own.
warnings.filterwarnings("ignore", module="PIL")

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "WEBP")
BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}  # bits per sample by Pillow's mode; others: 8


def read_raster_image(file: BinaryIO, frame: int, size: int | None, largest: int) -> tuple[np.ndarray, int]:
    """One picture of an open file, turned upright by its EXIF orientation, and the bits per sample.

    size: the smallest side that the caller needs, in pixels. A JPEG is then decoded at a half, a quarter or an eighth
    if no side falls below it. largest: the greatest number of pixels that is read.

    Returns (h, w) grey or (h, w, 3) RGB, uint8. Grey deeper than 8 bits is scaled from the picture's own minimum to
    its maximum. Deeper color, and deeper grey with transparency, shows its high byte. Transparent pixels are blended
    with black.

    Raises InputError for a missing frame and for too many pixels. Raises what Pillow raises on a file that it cannot
    decode or that is truncated.
    """
    with Image.open(file, formats=FORMATS) as image:
        if frame:
            _seek(image, frame)
        if image.width * image.height > largest:
            raise InputError(f"{image.width} x {image.height} pixels; at most {largest} are read")
        bits = 16 if "16B" in str(image.tile) else BITS.get(image.mode, 8)
        if size is not None:
            image.draft(None, (size, size))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _show(image), bits


def _seek(image: Image.Image, frame: int) -> None:
    frames = getattr(image, "n_frames", 1)
    if not 0 <= frame < frames:
        raise InputError(f"no frame {frame}, it has {frames}, counted from 0")
    image.seek(frame)


def _show(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        return _stretch(np.asarray(image))
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    return np.asarray(image if image.mode == mode else image.convert(mode))


def _stretch(pixels: np.ndarray) -> np.ndarray:
    """Grey levels from the smallest finite pixel (0) to the largest (255)."""
    finite = finite_values(pixels)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if pixels.dtype.itemsize == 2:  # a table of all 16-bit values is faster than arithmetic on every pixel
        return levels_between(np.arange(2**16), low, high)[pixels]
    return levels_between(pixels, low, high)
