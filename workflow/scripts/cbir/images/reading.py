"""One image file of any format: its pixels as a radiologist's viewer shows them, and an inspection of them."""

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
from cbir.images.thumbnails import make_thumbnail
from cbir.images.volume_files import SIGNATURE_END, files_of, is_nifti, is_pair, pair_files
from cbir.images.volumes import read_nifti_image

MAX_PIXELS = 100_000_000  # five times the largest mammogram; a file that claims more is a mistake or an attack
CHUNK = 16  # number of images that a process takes at a time
# columns of an inspection and their types; a thumbnail is beside them
INSPECTION = {
    "image_id": "str",
    "readable": "bool",
    "reason": "str",
    "width": "int32",
    "height": "int32",
    "bits": "int32",
    "pixel_hash": "str",
    "file_state": "str",
}


def read_image(path: str | Path, frame: int = 0, size: int | None = None) -> np.ndarray:
    """One image as a radiologist's viewer shows it.

    The content of the file tells whether it is DICOM, NIfTI, an array or a picture; the name does not matter. Only a
    pair (.hdr and .img, NIfTI or Analyze) is found by its names; either file of it can be given.

    frame: counted from 0. size: the smallest side that the caller needs, in pixels. A JPEG whose sides are at least
    eight times that size may be decoded at a half, a quarter or an eighth.

    Returns (h, w) grey or (h, w, 3) RGB, uint8; the array may be read-only.

    Raises InputError with the path and the reason if the file is missing, empty, truncated or no image, or if it has
    no pixels or no such frame.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "grey.pgm")
    ...     _ = path.write_bytes(b"P5 2 1 255 " + bytes([0, 200]))
    ...     read_image(path)
    array([[  0, 200]], dtype=uint8)
    """
    return _decode(path, frame, size)[0]


def inspect_image(path: str | Path, frame: int = 0) -> dict:
    """Decode an image and describe it: the keys of INSPECTION except `image_id` and `file_state`, and `thumbnail`.

    `readable` says whether the image can be decoded, and `reason` why not. `width` and `height` are in pixels, `bits`
    is per sample. `pixel_hash` is the BLAKE2b hash, 16 bytes in hex, of the shape and the pixels shown. The same
    picture has therefore the same hash in every lossless encoding. `thumbnail` holds the 1024 bytes of make_thumbnail,
    row by row. An unreadable image has zeros, an empty hash and an empty thumbnail.
    """
    try:
        pixels, bits = _decode(path, frame, None)
    except InputError as error:
        reason = str(error).removeprefix(f"{path}: ")
        nothing = {"width": 0, "height": 0, "bits": 0, "pixel_hash": "", "thumbnail": b""}
        return {"readable": False, "reason": reason, **nothing}
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
        "thumbnail": make_thumbnail(pixels).tobytes(),
    }


def inspect_images(images: pd.DataFrame, threads: int) -> pd.DataFrame:
    """Inspect every image of a manifest in `threads` processes.

    images: manifest rows, of which `image_id`, `path` and `frame` are read. Returns one row per image, in the same
    order, with the columns of INSPECTION and `thumbnail`, as `inspect_image` describes them.
    """
    states = [file_state(path) for path in images["path"]]  # before the files are read, so that a change is noticed
    columns = [*INSPECTION, "thumbnail"]
    inspected = pd.DataFrame(list(_inspect_all(images["path"], images["frame"], threads)), columns=columns)
    return inspected.assign(image_id=images["image_id"].to_numpy(), file_state=states).astype(INSPECTION)


def file_state(path: str | Path) -> str:
    """The size and the time of change of a file, which differ when it was replaced; empty where there is no file.

    Where the file is one of a pair, those of both files.
    """
    try:
        states = [file.stat() for file in files_of(path)]
    except OSError:
        return ""
    return "; ".join(f"{status.st_size} bytes, changed at {status.st_mtime_ns}" for status in states)


def _inspect_all(paths: pd.Series, frames: pd.Series, threads: int) -> Iterator[dict]:
    if threads == 1:
        yield from map(inspect_image, paths, frames)
        return
    # Fork: a newly started process would run the calling Snakemake script again.
    with ProcessPoolExecutor(threads, multiprocessing.get_context("fork")) as processes:
        yield from processes.map(inspect_image, paths, frames, chunksize=CHUNK)


def _decode(path: str | Path, frame: int, size: int | None) -> tuple[np.ndarray, int]:
    """The pixels shown, and the bits per sample. Raises InputError, as `read_image` does."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(SIGNATURE_END)
            if not start:
                raise InputError("empty file")
            if start.startswith(SIGNATURE):
                return read_array_image(path, frame)
            if is_nifti(start) or is_pair(path):
                return read_nifti_image(path, frame, MAX_PIXELS)
            file.seek(0)
            if is_dicom(start):
                return read_dicom_image(file, frame, MAX_PIXELS)
            return read_raster_image(file, frame, size, MAX_PIXELS)
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        remedy = "; a file of a NIfTI or Analyze pair needs the other one beside it" if pair_files(path) else ""
        raise InputError(f"{path}: not an image{remedy}") from error
    except Exception as error:  # decoders raise errors of many kinds on a broken file
        strerror = getattr(error, "strerror", None)
        reason = strerror or " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {reason}") from error
