"""Pixels of images that are frames of an .npy array, such as those of MedMNIST."""

from pathlib import Path

import numpy as np

from cbir.errors import InputError

SIGNATURE = b"\x93NUMPY"


def read_array_image(path: str | Path, frame: int) -> tuple[np.ndarray, int]:
    """One frame of an .npy file and the bits per sample, which are 8.

    The array is uint8, (n, h, w) grey or (n, h, w, 3) RGB; the frame is (h, w) or (h, w, 3). The file is mapped into
    memory, so that only the frame is read.

    Raises InputError if the array has another shape or type, or no such frame. Raises what numpy raises on a broken
    file.
    """
    images = np.load(path, mmap_mode="r")
    if images.dtype != np.uint8 or images.shape[3:] not in ((), (3,)) or images.ndim < 3:
        raise InputError(f"an array of {images.dtype} {images.shape}; it must be of uint8, (n, h, w) or (n, h, w, 3)")
    if not 0 <= frame < len(images):
        raise InputError(f"no frame {frame}, it has {len(images)}, counted from 0")
    return np.array(images[frame]), 8
