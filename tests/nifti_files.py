"""NIfTI files for tests."""

from pathlib import Path

import nibabel
import numpy as np


def write_nifti(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None, **fields) -> Path:
    """Write a volume as NIfTI-1, gzipped if the name ends in .gz. Returns the path.

    voxels: (x, y, z) or (x, y, z, t). affine: by default voxels of 1 mm with axes from left to right, from posterior to
    anterior and from inferior to superior. fields: values of the header by name.
    """
    image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
    for field, value in fields.items():
        image.header[field] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path
