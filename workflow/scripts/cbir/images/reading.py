"""Images as a radiologist's viewer shows them, and what is known of an image once it is decoded."""

import hashlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import UnidentifiedImageError

from cbir.errors import InputError
from cbir.images.arrays import SIGNATURE, read_array_image
from cbir.images.dicom import read_dicom_image
from cbir.images.dicom_headers import is_dicom
from cbir.images.raster import read_raster_image
from cbir.images.volumes import SIGNATURE_END, is_nifti, read_nifti_image

MAX_PIXELS = 100_000_000  # five times the largest mammogram; a file that claims more is a mistake or an attack
CHUNK = 16  # images that a process takes at a time
INSPECTION = {
    "image_id": "str",
    "readable": "bool",
    "reason": "str",
    "width": "int32",
    "height": "int32",
    "bits": "int32",
    "pixel_hash": "str",
}


def read_image(path: str | Path, frame: int = 0, size: int | None = None) -> np.ndarray:
    """One image as a radiologist's viewer shows it: (h, w) grey or (h, w, 3) RGB uint8, not to be written to.

    The file's content tells whether it is DICOM, NIfTI, an array or a picture, not its name. frame counts from 0. size:
    the smallest side that the caller needs; a JPEG larger than twice that may come out at a half, a quarter or an
    eighth.
    Raises InputError with the path and the reason where the file is absent, empty, truncated, no image, or has no
    pixels or no such frame.
    """
    return _decode(path, frame, size)[0]


def inspect_image(path: str | Path, frame: int = 0) -> dict:
    """What decoding an image tells: `readable`, the `reason` if not, `width`, `height`, `bits` a sample, `pixel_hash`.

    pixel_hash: BLAKE2b, 16 bytes in hex, of the shape and the pixels shown, so that the same picture in another
    lossless encoding has the same. An unreadable image has zeros and an empty hash.
    """
    try:
        pixels, bits = _decode(path, frame, None)
    except InputError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return {"readable": False, "reason": reason, "width": 0, "height": 0, "bits": 0, "pixel_hash": ""}
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels))
    height, width = pixels.shape[:2]
    return {
        "readable": True,
        "reason": "",
        "width": width,
        "height": height,
        "bits": bits,
        "pixel_hash": digest.hexdigest(),
    }


def inspect_images(images: pd.DataFrame, threads: int) -> pd.DataFrame:
    """Inspect each row of a manifest (`image_id, path, frame`) in as many processes as threads.

    Returns INSPECTION, in the manifest's order.
    """
    inspected = pd.DataFrame(list(_inspect_all(images["path"], images["frame"], threads)), columns=list(INSPECTION))
    return inspected.assign(image_id=images["image_id"].to_numpy()).astype(INSPECTION)


def _inspect_all(paths: pd.Series, frames: pd.Series, threads: int) -> Iterator[dict]:
    if threads == 1:
        yield from map(inspect_image, paths, frames)
        return
    # Forked, since a started process would run the calling Snakemake script again.
    with ProcessPoolExecutor(threads, multiprocessing.get_context("fork")) as processes:
        yield from processes.map(inspect_image, paths, frames, chunksize=CHUNK)


def _decode(path: str | Path, frame: int, size: int | None) -> tuple[np.ndarray, int]:
    """Pixels shown, and bits a sample. Raises InputError."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(SIGNATURE_END)
            if not start:
                raise InputError("empty file")
            if start.startswith(SIGNATURE):
                return read_array_image(path, frame)
            if is_nifti(start):
                return read_nifti_image(path, frame, MAX_PIXELS)
            file.seek(0)
            if is_dicom(start):
                return read_dicom_image(file, frame, MAX_PIXELS)
            return read_raster_image(file, frame, size, MAX_PIXELS)
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not an image") from error
    except Exception as error:  # a decoder may raise anything on a broken file
        strerror = getattr(error, "strerror", None)
        reason = strerror or " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {reason}") from error
