"""One image file of any format: its pixels as a radiologist's viewer shows them, and an inspection of them."""

import hashlib
import logging
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import UnidentifiedImageError

from cbir.errors import InputError
from cbir.images.arrays import SIGNATURE, read_array_image
from cbir.images.decoder import describe_decoder
from cbir.images.dicom import read_dicom_image
from cbir.images.dicom_headers import is_dicom
from cbir.images.file_states import file_state, pair_files
from cbir.images.raster import read_raster_image
from cbir.images.thumbnails import make_thumbnail
from cbir.images.volume_files import SIGNATURE_END, is_nifti, is_pair
from cbir.images.volumes import read_nifti_image

MAX_PIXELS = 100_000_000  # five times the largest mammogram; a file that claims more is a mistake or an attack
CHUNK = 16  # number of images that a process takes at a time
log = logging.getLogger(__name__)
# columns of an inspection and their types; a thumbnail is beside them
INSPECTION = {
    "image_id": "str",
    "path": "str",
    "frame": "int32",
    "readable": "bool",
    "reason": "str",
    "width": "int32",
    "height": "int32",
    "bits": "int32",
    "pixel_hash": "str",
    "file_state": "str",
    "decoder": "str",
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
    """Decode an image and describe it: `thumbnail`, and the keys of INSPECTION from `readable` to `pixel_hash`.

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


def inspect_images(images: pd.DataFrame, threads: int, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Inspect every image of a manifest in `threads` processes.

    images: manifest rows, of which `image_id`, `path` and `frame` are read. known: what an earlier call returned, of
    any images. A readable image of it is not decoded again if its file is the same (`file_state`) and so is what
    decodes it (`decoder`, as describe_decoder names it).

    Returns one row per image, in the same order, with the columns of INSPECTION and `thumbnail`, as `inspect_image`
    describes them.
    """
    images = images[["image_id", "path", "frame"]].reset_index(drop=True)
    # the states are taken before the files are read, so that a change meanwhile is noticed
    images = images.assign(file_state=images["path"].map(file_state).astype("str"), decoder=describe_decoder())
    place = _find_known(images, known)
    new = images[place < 0]
    columns = [name for name in (*INSPECTION, "thumbnail") if name not in images]
    inspected = pd.DataFrame(list(_inspect_all(new["path"], new["frame"], threads)), columns=columns, index=new.index)
    if known is not None and (place >= 0).any():
        taken = known[columns].take(place[place >= 0]).set_axis(images.index[place >= 0])
        inspected = pd.concat([inspected, taken]).loc[images.index] if len(new) else taken
    log.info("%d of %d images decoded, the others are known", len(new), len(images))
    return images.join(inspected)[[*INSPECTION, "thumbnail"]].astype(INSPECTION)


def _find_known(images: pd.DataFrame, known: pd.DataFrame | None) -> np.ndarray:
    """The row of each image among the readable known ones, (n,) int64; -1 for an image that has to be decoded."""
    if known is None or known.empty:
        return np.full(len(images), -1)
    keys = ["path", "frame", "file_state", "decoder"]
    rows = known[keys].assign(row=np.arange(len(known)))[known["readable"]].drop_duplicates(keys)
    return images[keys].merge(rows, how="left", on=keys)["row"].fillna(-1).to_numpy(np.int64)


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
