"""Slices of NIfTI and Analyze volumes as a radiologist's viewer shows them."""

import gzip
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.analyze import AnalyzeHeader, AnalyzeImage
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from PIL import Image

from cbir.errors import InputError
from cbir.images.file_states import files_of
from cbir.images.grey_levels import finite_values, levels_between, round_levels
from cbir.images.square_pixels import make_square
from cbir.images.volume_files import open_volume

PLANES = ("sagittal", "coronal", "axial")  # perpendicular to the first, second and third axis of a grid
MAX_VOXELS = 2_000_000_000  # a whole-body CT has a quarter; a header that claims more is a mistake or an attack
CHUNK = 2**20  # bytes read at a time
GREY_PERCENTILES = (0.5, 99.5)  # percentiles shown as black and as white
LABEL_SPAN = 256  # whole numbers that span less than this are the labels of a mask, or 8-bit grey
COLORS = (("R", "G", "B"), ("R", "G", "B", "A"))  # components of color voxels, which have 8 bits each
LUMA = (0.299, 0.587, 0.114)  # brightness of red, green and blue, ITU-R BT.601


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a volume lie, with its axes turned towards right, anterior and superior.

    orientation: (3, 2), nibabel's orientation of the file's axes. shape: number of voxels from left to right, from
    posterior to anterior and from inferior to superior. affine: (4, 4), from voxel indexes in that order to
    millimetres.
    """

    orientation: np.ndarray
    shape: tuple[int, int, int]
    affine: np.ndarray


@dataclass(frozen=True)
class Volume:
    """The first volume of a file.

    levels: grey levels (x, y, z) or RGB (x, y, z, 3), uint8, with the axes of `grid`. bits: per sample of the file.
    are_labels: whether the voxels are small whole numbers, such as the labels of a mask.
    """

    levels: np.ndarray
    grid: Grid
    bits: int
    are_labels: bool


def read_nifti_image(path: str | Path, frame: int, largest: int) -> tuple[np.ndarray, int]:
    """One slice of a volume, and the bits per sample of the file. Of several volumes in a file, the first is read.

    path: a NIfTI file, or either file of a pair (NIfTI or Analyze 7.5). The x axis of Analyze files that store no
    orientation runs from the patient's right to left, as nibabel assumes.

    Frames count the sagittal slices from the patient's left to right, then the coronal slices from posterior to
    anterior, then the axial slices from inferior to superior. The axes of an oblique volume count as the nearest of
    these. Up in the image is superior, in axial slices anterior. Left in the image is the patient's right, in sagittal
    slices anterior.

    Grey levels run from the header's cal_min to its cal_max. Where the header has none, they run between the
    percentiles 0.5 and 99.5 of the finite values above the minimum, which is assumed to be padding. Whole numbers that
    span less than 256, as in masks, run from their minimum to their maximum. Colors (RGB24, RGBA32) are shown as they
    are stored; transparent ones are blended with black.

    Pixels are made square, with the smaller of the two sides, by bilinear interpolation; such whole numbers are
    interpolated by the nearest neighbor. The last volume read stays in memory for its other slices.

    largest: the greatest number of pixels per slice that is read.

    Returns (h, w) grey or (h, w, 3) RGB, uint8.

    Raises InputError for a missing frame, for too many voxels or pixels, and for voxels or an affine that cannot be
    shown. Raises what nibabel raises on a broken file.
    """
    volume = _read_volume_once(path)
    shape = volume.grid.shape
    if not 0 <= frame < sum(shape):
        raise InputError(f"no frame {frame}, it has {sum(shape)}, counted from 0")
    plane = int(np.searchsorted(np.cumsum(shape), frame, side="right"))
    pixels = np.moveaxis(volume.levels, plane, 0)[frame - sum(shape[:plane])][::-1, ::-1].swapaxes(0, 1)
    width, height = np.delete(voxel_sizes(volume.grid.affine), plane)
    filtering = Image.Resampling.NEAREST if volume.are_labels else Image.Resampling.BILINEAR
    return make_square(pixels, np.array([height, width]), largest, filtering), volume.bits


def read_grid(path: str | Path) -> Grid:
    """The grid of a file's voxels, which are not read. Raises errors as `read_nifti_image` does."""
    with open_volume(path) as image:
        return _grid(image)


def slice_frames(grid: Grid, plane: str) -> range:
    """The frames of all slices in a plane, one of PLANES.

    >>> slice_frames(Grid(np.zeros((3, 2)), (5, 6, 7), np.eye(4)), "coronal")
    range(5, 11)
    """
    axis = PLANES.index(plane)
    start = sum(grid.shape[:axis])
    return range(start, start + grid.shape[axis])


def foreground_shares(path: str | Path, plane: str) -> np.ndarray:
    """Share of foreground pixels in each slice of a plane, (slices,) float.

    Foreground is brighter than the grey level that separates the dark and the bright voxels of the volume best (Otsu
    1979, "A threshold selection method from gray-level histograms"). Raises errors as `read_nifti_image` does.
    """
    levels = _read_volume_once(path).levels
    if levels.ndim == 4:
        levels = round_levels(levels @ np.divide(LUMA, 255))
    across = tuple(axis for axis in range(3) if axis != PLANES.index(plane))
    return (levels > _otsu_level(levels)).mean(axis=across)


def _read_volume_once(path: str | Path) -> Volume:
    states = [file.stat() for file in files_of(path)]
    return _read_volume(str(path), tuple((state.st_mtime_ns, state.st_size) for state in states))


@lru_cache(maxsize=1)
def _read_volume(path: str, states: tuple) -> Volume:
    """The first volume of a file. `states`, the times of change and sizes, make a replaced file be read again."""
    with open_volume(path) as image:
        grid = _grid(image)
        is_color = image.get_data_dtype().names in COLORS
        first = (..., *[0] * (image.ndim - 3))
        # The scale of a header does not apply to colors.
        values = np.asanyarray(image.dataobj.get_unscaled()[first] if is_color else image.dataobj[first])
        stream = image.file_map["image"].fileobj
        while isinstance(stream, gzip.GzipFile) and stream.read(CHUNK):  # the checksum at the end gets checked
            pass
        values = values.reshape(values.shape + (1,) * (3 - values.ndim))
        if is_color:
            return Volume(apply_orientation(_colors(values), grid.orientation), grid, 8, are_labels=False)
        bits = 8 * image.get_data_dtype().itemsize
        low, high, are_labels = _value_range(values, image.header)
        levels = np.empty(values.shape, np.uint8, order="F")
        for place in range(values.shape[2]):  # slice by slice, because levels_between takes 8 bytes per voxel
            levels[..., place] = levels_between(values[..., place], low, high)
    return Volume(apply_orientation(levels, grid.orientation), grid, bits, are_labels)


def _colors(voxels: np.ndarray) -> np.ndarray:
    """RGB, (x, y, z, 3) uint8, of voxels with the components R, G and B, and perhaps A, which is opacity."""
    colors = np.stack([voxels[name] for name in "RGB"], axis=-1)
    if "A" in voxels.dtype.names:
        return round_levels(colors / 255 * (voxels["A"][..., None] / 255))
    return colors


def _grid(image: AnalyzeImage) -> Grid:
    shape = (*image.shape, 1, 1, 1)[:3]
    if not 0 < math.prod(shape) <= MAX_VOXELS:
        raise InputError(f"a volume of {' x '.join(map(str, shape))} voxels; from 1 to {MAX_VOXELS} are read")
    kind = image.get_data_dtype()
    if kind.kind not in "iuf" and kind.names not in COLORS:
        raise InputError(f"voxels of {kind}; they must be real numbers or RGB")
    orientation = io_orientation(image.affine)
    if np.isnan(orientation).any():
        raise InputError("an affine without three directions; correct its sform or qform")
    turned = [shape[axis] for axis in np.argsort(orientation[:, 0])]
    return Grid(orientation, tuple(turned), image.affine @ inv_ornt_aff(orientation, shape))


def _value_range(values: np.ndarray, header: AnalyzeHeader) -> tuple[float, float, bool]:
    """The values shown as black and as white, and whether the values are labels (see `read_nifti_image`)."""
    finite = finite_values(values)
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
    """The largest grey level of the darker of two classes, by Otsu's method."""
    counts = np.bincount(levels.ravel(order="K"), minlength=256).astype(float)
    darker = counts.cumsum()
    brightness = (counts * np.arange(256)).cumsum()
    total = darker[-1]
    # The variance between the classes, up to a constant factor.
    between = (brightness[-1] * darker / total - brightness) ** 2 / np.maximum(darker * (total - darker), 1)
    return int(between.argmax())
