"""Source `nifti`: slices of NIfTI or Analyze volumes that a table lists."""

import numpy as np
import pandas as pd
from nibabel.affines import voxel_sizes

from cbir.datasets.patients import complete_patients
from cbir.datasets.sources import table
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing
from cbir.images.volumes import Grid, foreground_shares, read_grid, slice_frames


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the volumes that a table lists: a table with one row per slice.

    The frame of an image is the number of its slice, as in `cbir.images.volumes`. The options are

    - `root`;
    - `table`: as for source `table`, with one row per volume. Column `image` is the file of the volume, either one of
      a pair, and column `mask`, if there is one, that of its mask. The mask of a slice has the same frame;
    - `axis`: the plane of the slices, sagittal, coronal or axial;
    - `every`: one slice in so many is taken, with as many left out before the first as after the last;
    - `background`: the smallest share of foreground of a slice. All voxels are read for it, unless it is 0.

    A volume with an unknown patient is its own patient. A volume that cannot be read stays in the table as its frame 0,
    so that the inspection reports it. Raises InputError for missing files and for masks that do not fit.
    """
    volumes = table.read_images(dataset, {**options, "check_files": True})
    if "mask" in volumes:
        _check_masks(volumes[volumes["mask"] != ""], dataset)
    volumes["patient_id"] = complete_patients(volumes, volumes["image_id"], dataset, "volumes")
    slices = [_choose_slices(path, options) for path in volumes["path"]]
    images = volumes.loc[np.repeat(volumes.index, [len(frames) for frames, _ in slices])].reset_index(drop=True)
    images["frame"] = np.concatenate([frames for frames, _ in slices])
    images["image_id"] += "#" + images["frame"].astype("str")
    shares = np.concatenate([shares for _, shares in slices])
    return keep_images(images, shares >= options["background"], "background slice")


def _choose_slices(path: str, options: dict) -> tuple[np.ndarray, np.ndarray]:
    """The frames of every nth slice, and their shares of foreground (1 if the option `background` is 0)."""
    try:
        frames = np.array(slice_frames(read_grid(path), options["axis"]), np.int32)
        shares = foreground_shares(path, options["axis"]) if options["background"] else np.ones(len(frames))
    except Exception:  # nibabel raises many kinds of errors for a broken file
        return np.zeros(1, np.int32), np.ones(1)
    every = slice((len(frames) - 1) % options["every"] // 2, None, options["every"])
    return frames[every], shares[every]


def _check_masks(volumes: pd.DataFrame, dataset: str) -> None:
    """Check that each mask is on the grid of its volume. Raises InputError that lists the masks that are not."""
    problems = []
    for path, mask in zip(volumes["path"], volumes["mask"], strict=True):
        try:
            grid = read_grid(path)
        except Exception:  # nibabel raises many kinds of errors for a broken file; the inspection reports the volume
            continue
        try:
            problem = _differ(grid, read_grid(mask))
        except Exception as error:
            problem = " ".join(str(error).split()) or type(error).__name__
        if problem:
            problems.append(f"{mask}: {problem}")
    if problems:
        raise InputError(
            f"dataset {dataset}: {len(problems)} masks do not fit their volumes; resample them to the volumes' grids, "
            f"or take them out of the table:{listing(problems)}"
        )


def _differ(volume: Grid, mask: Grid) -> str:
    """The difference between a mask's grid and its volume's; "" if their corners are within half a voxel."""
    if mask.shape != volume.shape:
        return f"{' x '.join(map(str, mask.shape))} voxels, not {' x '.join(map(str, volume.shape))}"
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in volume.shape], [1])).reshape(4, -1)
    apart = np.linalg.norm(((mask.affine - volume.affine) @ corners)[:3], axis=0).max()
    if apart > voxel_sizes(volume.affine).min() / 2:
        return f"{apart:.3g} mm away from it at a corner"
    return ""
