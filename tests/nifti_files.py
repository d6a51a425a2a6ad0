"""NIfTI files for tests."""

from pathlib import Path

import nibabel
import numpy as np


def write_nifti(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None, **fields) -> Path:
    """A volume, (x, y, z) or (x, y, z, t), 1 mm from left to right, posterior to anterior, inferior to superior, or
    as the affine says; its header's fields by name. NIfTI-1, gzipped where the name ends in .gz."""
    image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
    for field, value in fields.items():
        image.header[field] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path
