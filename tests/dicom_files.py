"""DICOM files for tests."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def make_dicom(pixels: np.ndarray, **tags) -> Dataset:
    """A DICOM object with these stored pixels and tags.

    pixels: (h, w), (h, w, 3), (frames, h, w) or (frames, h, w, 3). tags: values by DICOM keyword.
    """
    is_color = pixels.ndim > 2 and pixels.shape[-1] == 3
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[repr(tags), pixels.tobytes().hex()])
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if is_color else pixels.shape[-2:]
    if pixels.ndim == 3 + is_color:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel = 3 if is_color else 1
    if is_color:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if is_color else "MONOCHROME2"
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated > 8 else "OB"
    return dataset


def write_dicom(path: Path, pixels: np.ndarray, **tags) -> Path:
    """Write the object of `make_dicom` to a file, in explicit VR little endian. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make_dicom(pixels, **tags).save_as(path, enforce_file_format=True)
    return path


def by_arithmetic(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Grey levels of values from low (0) to high (255), rounded half up."""
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
