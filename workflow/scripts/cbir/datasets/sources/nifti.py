"""Source `nifti`: slices of NIfTI volumes that a table lists."""

import numpy as np
import pandas as pd
from nibabel.affines import voxel_sizes

from cbir.datasets.sources import table
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing
from cbir.images.volumes import Grid, foreground_shares, read_grid, slice_frames


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """A row a slice of the volumes that a table lists; `cbir.images.volumes` tells how frames number the slices.

    options: `root`; `table` as in source `table`, a row a volume with its file as `image` and, if any, that of its mask
    as `mask`, each NIfTI, the mask's slice having the volume's frame; `axis`, the slices' plane: sagittal, coronal or
    axial; `every` so many slices, as many left out before the first as after the last; `background`, the least share of
    foreground that a slice must have, for which all voxels are read unless it is 0. A volume without a patient id is
    its own patient. A volume that cannot be read stays as its frame 0 for the inspection to report. Raises InputError.
    """
    volumes = table.read_images(dataset, {**options, "check_files": True})
    if "mask" in volumes:
        _check_masks(volumes[volumes["mask"] != ""], dataset)
    patients = volumes.get("patient_id", pd.Series("", index=volumes.index))
    volumes["patient_id"] = patients.where(patients != "", volumes["image_id"])
    slices = [_choose_slices(path, options) for path in volumes["path"]]
    images = volumes.loc[np.repeat(volumes.index, [len(frames) for frames, _ in slices])].reset_index(drop=True)
    images["frame"] = np.concatenate([frames for frames, _ in slices])
    images["image_id"] += "#" + images["frame"].astype("str")
    shares = np.concatenate([shares for _, shares in slices])
    return keep_images(images, shares >= options["background"], "background slice")


def _choose_slices(path: str, options: dict) -> tuple[np.ndarray, np.ndarray]:
    """The frames of every nth slice, and their shares of foreground (1 where background doesn't matter)."""
    try:
        frames = np.array(slice_frames(read_grid(path), options["axis"]), np.int32)
        shares = foreground_shares(path, options["axis"]) if options["background"] else np.ones(len(frames))
    except Exception:  # nibabel raises anything on a broken file
        return np.zeros(1, np.int32), np.ones(1)
    every = slice((len(frames) - 1) % options["every"] // 2, None, options["every"])
    return frames[every], shares[every]


def _check_masks(volumes: pd.DataFrame, dataset: str) -> None:
    """Raise InputError that lists the masks that cannot be read, or whose voxels are not those of their volume."""
    problems = []
    for path, mask in zip(volumes["path"], volumes["mask"], strict=True):
        try:
            grid = read_grid(path)
        except Exception:  # nibabel raises anything on a broken file; the inspection reports a volume
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
    """How a mask's grid differs from its volume's; "" where the corners are within half a voxel of each other."""
    if mask.shape != volume.shape:
        return f"{' x '.join(map(str, mask.shape))} voxels, not {' x '.join(map(str, volume.shape))}"
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in volume.shape], [1])).reshape(4, -1)
    apart = np.linalg.norm(((mask.affine - volume.affine) @ corners)[:3], axis=0).max()
    if apart > voxel_sizes(volume.affine).min() / 2:
        return f"{apart:.3g} mm away from it at a corner"
    return ""
