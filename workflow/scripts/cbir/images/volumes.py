"""Slices of NIfTI volumes as a radiologist's viewer shows them."""

import gzip
import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nibabel
import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from PIL import Image

from cbir.errors import InputError
from cbir.images.raster import levels_between

logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # it mends odd headers, or raises

PLANES = ("sagittal", "coronal", "axial")  # in the order of the axes that they are perpendicular to
NIFTI_1 = b"n+1\0"
NIFTI_2 = b"n+2\0"
GZIP = b"\x1f\x8b"
SIGNATURE_END = 1024  # bytes of a file, gzipped too, that tell whether it is NIfTI
MAX_VOXELS = 2_000_000_000  # a whole-body CT has a quarter; a header that claims more is a mistake or an attack
CHUNK = 2**20  # bytes
GREY_PERCENTILES = (0.5, 99.5)
LABEL_SPAN = 256  # whole numbers spanning less are labels of a mask, or grey of 8 bits


@dataclass(frozen=True)
class Grid:
    """Where a volume's voxels lie: its axes as in the file, turned to right, anterior and superior."""

    orientation: np.ndarray  # (3, 2), of nibabel
    shape: tuple[int, int, int]  # voxels from left to right, from posterior to anterior, from inferior to superior
    affine: np.ndarray  # (4, 4), from voxels in that order to millimetres


@dataclass(frozen=True)
class Volume:
    """The first volume of a file as grey levels, (x, y, z) uint8 in the order of its grid."""

    levels: np.ndarray
    grid: Grid
    bits: int
    are_labels: bool


def is_nifti(start: bytes) -> bool:
    """Whether a file that starts so is NIfTI-1 or -2 in one file, also gzipped."""
    start = _uncompressed(start)
    return start[344:348] == NIFTI_1 or start[4:8] == NIFTI_2


def _uncompressed(start: bytes) -> bytes:
    if not start.startswith(GZIP):
        return start
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(start)  # 16: gzip
    except zlib.error:
        return b""


def read_nifti_image(path: str | Path, frame: int, largest: int) -> tuple[np.ndarray, int]:
    """A slice of a volume (of several, the first), (h, w) uint8, and the bits of the volume's voxels.

    The frames are the sagittal slices from the patient's left to right, then the coronal ones from posterior to
    anterior, then the axial ones from inferior to superior; an oblique volume's axes count as the nearest of these.
    Superior, in axial slices anterior, is up; the patient's right, in sagittal slices anterior, is on the left.
    Grey runs from the header's cal_min to its cal_max, or between percentiles 0.5 and 99.5 of the volume's finite
    values above their least, which is taken for padding; whole numbers that span less than 256, as in masks, run from
    their least to their greatest. Pixels are made square, of the smaller side, by bilinear interpolation, those of such
    whole numbers by the nearest. The last volume read stays in memory for its other slices. largest: the pixels that
    a slice may have. Raises InputError, or what nibabel raises on a broken file.
    """
    volume = _read_volume_once(path)
    shape = volume.grid.shape
    if not 0 <= frame < sum(shape):
        raise InputError(f"no frame {frame}, it has {sum(shape)}, counted from 0")
    plane = int(np.searchsorted(np.cumsum(shape), frame, side="right"))
    pixels = np.moveaxis(volume.levels, plane, 0)[frame - sum(shape[:plane])][::-1, ::-1].T
    sides = np.delete(voxel_sizes(volume.grid.affine), plane)
    width, height = (int(side) for side in np.rint(np.delete(shape, plane) * sides / sides.min()))
    if width * height > largest:
        raise InputError(f"{width} x {height} square pixels; at most {largest} are read")
    filtering = Image.Resampling.NEAREST if volume.are_labels else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize((width, height), filtering)), volume.bits


def read_grid(path: str | Path) -> Grid:
    """Where a file's voxels lie; its voxels are not read. Raises as `read_nifti_image` does."""
    with _opened(path) as image:
        return _grid(image)


def slice_frames(grid: Grid, plane: str) -> range:
    """The frames of a plane's slices."""
    axis = PLANES.index(plane)
    start = sum(grid.shape[:axis])
    return range(start, start + grid.shape[axis])


def foreground_shares(path: str | Path, plane: str) -> np.ndarray:
    """Share of foreground in each of a plane's slices, (slices,) float.

    Foreground is brighter than the grey level that parts the volume best into dark and bright (Otsu 1979, "A threshold
    selection method from gray-level histograms"). Raises as `read_nifti_image` does.
    """
    levels = _read_volume_once(path).levels
    across = tuple(axis for axis in range(3) if axis != PLANES.index(plane))
    return (levels > _otsu_level(levels)).mean(axis=across)


def _read_volume_once(path: str | Path) -> Volume:
    status = Path(path).stat()
    return _read_volume(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _read_volume(path: str, changed: int, size: int) -> Volume:
    """The file's first volume; its time of change and its size tell another file of that path from it."""
    with _opened(path) as image:
        grid = _grid(image)
        values = np.asanyarray(image.dataobj[(..., *[0] * (image.ndim - 3))])
        stream = image.file_map["image"].fileobj
        while isinstance(stream, gzip.GzipFile) and stream.read(CHUNK):  # to its end, where the checksum is
            pass
        bits = 8 * image.get_data_dtype().itemsize
        low, high, are_labels = _grey_span(values, image.header)
        values = values.reshape(values.shape + (1,) * (3 - values.ndim))
        levels = np.empty(values.shape, np.uint8, order="F")
        for place in range(values.shape[2]):  # in parts, which take 8 bytes a voxel
            levels[..., place] = levels_between(values[..., place], low, high)
    return Volume(apply_orientation(levels, grid.orientation), grid, bits, are_labels)


@contextmanager
def _opened(path: str | Path) -> Iterator[nibabel.Nifti1Image]:
    """A file whose header is read; its content tells its kind, where nibabel goes by the name."""
    with ExitStack() as files:
        file = files.enter_context(Path(path).open("rb"))
        start = file.read(SIGNATURE_END)
        file.seek(0)
        if not is_nifti(start):
            raise InputError("not NIfTI")
        if start.startswith(GZIP):
            file = files.enter_context(gzip.open(file))
        kind = nibabel.Nifti2Image if _uncompressed(start)[4:8] == NIFTI_2 else nibabel.Nifti1Image
        yield kind.from_stream(file)


def _grid(image: nibabel.Nifti1Image) -> Grid:
    shape = (*image.shape, 1, 1, 1)[:3]
    if not 0 < math.prod(shape) <= MAX_VOXELS:
        raise InputError(f"a volume of {' x '.join(map(str, shape))} voxels; from 1 to {MAX_VOXELS} are read")
    if image.get_data_dtype().kind not in "iuf":
        raise InputError(f"voxels of {image.get_data_dtype()}; they must be real numbers")
    orientation = io_orientation(image.affine)
    if np.isnan(orientation).any():
        raise InputError("an affine without three directions; mend its sform or qform")
    turned = [shape[axis] for axis in np.argsort(orientation[:, 0])]
    return Grid(orientation, tuple(turned), image.affine @ inv_ornt_aff(orientation, shape))


def _grey_span(values: np.ndarray, header: nibabel.Nifti1Header) -> tuple[float, float, bool]:
    """The values shown as black and as white, and whether the values are labels."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return 0.0, 0.0, False
    least, greatest = finite.min(), finite.max()
    are_labels = float(greatest) - float(least) < LABEL_SPAN and not (finite.dtype.kind == "f" and np.any(finite % 1))
    low, high = float(header["cal_min"]), float(header["cal_max"])
    if np.isfinite([low, high]).all() and high > low:
        return low, high, are_labels
    if are_labels or greatest == least:
        return float(least), float(greatest), are_labels
    low, high = np.percentile(finite[finite > least], GREY_PERCENTILES, overwrite_input=True)
    return (float(low), float(high), False) if high > low else (float(least), float(greatest), False)


def _otsu_level(levels: np.ndarray) -> int:
    """The grey level, of 256, that the brighter of the two classes lies above."""
    counts = np.bincount(levels.ravel(order="K"), minlength=256).astype(float)
    darker = counts.cumsum()
    brightness = (counts * np.arange(256)).cumsum()
    total = darker[-1]
    # The variance between the classes, but for a constant factor.
    between = (brightness[-1] * darker / total - brightness) ** 2 / np.maximum(darker * (total - darker), 1)
    return int(between.argmax())
