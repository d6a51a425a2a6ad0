"""Pixels of PNG, JPEG, TIFF and other picture files."""

import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from cbir.errors import InputError

warnings.filterwarnings("ignore", module="PIL")  # of files that it then refuses, or that are larger than `largest`

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "WEBP")
BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}  # of Pillow's modes; all others have 8


def read_raster_image(file: BinaryIO, frame: int, size: int | None, largest: int) -> tuple[np.ndarray, int]:
    """One picture of an open file, turned upright as its EXIF says, and the bits of its samples.

    Returns (h, w) grey or (h, w, 3) RGB uint8. Grey deeper than 8 bits shows from the picture's own minimum to its
    maximum; deeper color, and grey with transparency, shows its high byte. What is transparent stands on black. size:
    a JPEG may come out smaller, by 2, 4 or 8, with no side below it. largest: the pixels that a picture may have.
    Raises InputError, or what Pillow raises on a file that it cannot decode or that is truncated.
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
    """Pixels from their minimum to their maximum as 0 to 255; what is no number is black."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if pixels.dtype.itemsize == 2:
        return levels_between(np.arange(2**16), low, high)[pixels]
    return levels_between(pixels, low, high)


def levels_between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Grey levels of values, low as 0 and high as 255, uint8; what is no number is black."""
    shares = (np.clip(values.astype(np.float64), low, high) - low) / max(high - low, np.finfo(float).tiny)
    return (np.nan_to_num(shares) * 255 + 0.5).astype(np.uint8)
