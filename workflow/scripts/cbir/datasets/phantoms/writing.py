"""Phantoms as DICOM and PNG files. The same phantom is always written as the same bytes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from cbir.datasets.phantoms.imaging import Phantom

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "CR": ComputedRadiographyImageStorage,
}
# codes (SNOMED CT) and meanings of anatomic regions, from DICOM's context group 4009
ANATOMIC_REGIONS = {
    "CHEST": ("51185008", "Chest"),
    "HAND": ("85562004", "Hand"),
    "KNEE": ("72696002", "Knee"),
}


@dataclass(frozen=True)
class Header:
    """Content of a DICOM header, apart from the pixels of the phantom."""

    seed: int
    patient_id: str
    sex: str
    age: int  # years
    study: int
    image: int
    modality: str  # the Modality attribute: CT, MR, DX or CR
    region: str


def write_png(path: Path, pixels: np.ndarray, bits: int) -> None:
    """Write a grey PNG file.

    pixels: (h, w) brightness from 0 (black) to 1 (white). bits: 8 or 16 per pixel.
    """
    kind = np.uint8 if bits == 8 else np.uint16
    Image.fromarray(np.rint(np.clip(pixels, 0, 1) * (2**bits - 1)).astype(kind)).save(path)


def write_dicom(path: Path, phantom: Phantom, header: Header, inverted: bool) -> None:
    """Write a phantom as a DICOM file with 12 bits per pixel.

    The pixels of CT are in HU after the rescale that the header gives; those of MR are the signal. inverted: whether a
    radiograph is written as MONOCHROME1, in which the smallest value is white.
    """
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.ensure_file_meta()
    _describe(data, header, phantom)
    {"CT": _ct, "MR": _mr, "DX": _radiograph, "CR": _radiograph}[header.modality](data, phantom, inverted)
    data.save_as(path, enforce_file_format=True)


def _code(value: str, meaning: str) -> Dataset:
    """An item of a sequence of SNOMED CT codes."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _uid(*parts: object) -> UID:
    """A unique identifier that depends on the parts only."""
    return generate_uid(entropy_srcs=["cbir phantoms", *map(str, parts)])


def _describe(data: Dataset, header: Header, phantom: Phantom) -> None:
    """Set the attributes that all modalities have: the image, the patient, the study and the series."""
    identity = (header.seed, header.patient_id, header.study)
    data.SOPClassUID = SOP_CLASSES[header.modality]
    data.SOPInstanceUID = _uid("image", *identity, header.image)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SyntheticData = "YES"
    data.StudyDate = data.ContentDate = "20000101"
    data.StudyTime = data.ContentTime = "120000"
    data.AccessionNumber = ""
    data.Modality = header.modality
    data.Manufacturer = "Synthetic phantom"
    data.ReferringPhysicianName = ""
    data.StudyDescription = f"Synthetic phantom, {header.region}"
    data.SeriesDescription = f"Synthetic phantom, {phantom.protocol}"
    data.PatientName = f"Synthetic^Phantom {header.patient_id}"
    data.PatientID = header.patient_id
    data.PatientBirthDate = ""
    data.PatientSex = header.sex
    data.PatientAge = f"{header.age:03d}Y"
    data.BodyPartExamined = header.region.upper()
    data.StudyInstanceUID = _uid("study", *identity)
    data.SeriesInstanceUID = _uid("series", *identity, phantom.protocol)
    data.StudyID = str(header.study)
    data.SeriesNumber = header.study
    data.InstanceNumber = header.image
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"


def _store(data: Dataset, stored: np.ndarray, bits: int, photometric: str) -> None:
    """Set the pixels and the attributes that describe them. stored: (h, w) values from 0 to 2^bits - 1."""
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = photometric
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated = 16
    data.BitsStored = bits
    data.HighBit = bits - 1
    data.PixelRepresentation = 0
    data.add_new("PixelData", "OW", np.clip(stored, 0, 2**bits - 1).astype("<u2").tobytes())


def _slice(data: Dataset, phantom: Phantom) -> None:
    """Set the attributes that slices of CT and MR have: their geometry and their window."""
    spacing = f"{phantom.spacing:.4f}"
    data.PixelSpacing = [spacing, spacing]
    data.SliceThickness = "5"
    sagittal = phantom.protocol.startswith("sagittal")
    data.PatientOrientation = ["P", "F"] if sagittal else ["L", "P"]
    data.ImageOrientationPatient = ["0", "1", "0", "0", "0", "-1"] if sagittal else ["1", "0", "0", "0", "1", "0"]
    place = f"{5 * int(data.InstanceNumber)}"
    data.ImagePositionPatient = [place, "0", "0"] if sagittal else ["0", "0", place]
    data.FrameOfReferenceUID = _uid("frame", data.SeriesInstanceUID)
    data.PositionReferenceIndicator = ""
    data.PatientPosition = "HFS"
    data.Laterality = ""
    data.WindowCenter, data.WindowWidth = (str(value) for value in phantom.window)


def _ct(data: Dataset, phantom: Phantom, inverted: bool) -> None:
    """Set the attributes and pixels of a CT image."""
    _slice(data, phantom)
    data.ImageType = ["DERIVED", "PRIMARY", "AXIAL", "SYNTHETIC"]
    data.KVP = "120"
    data.AcquisitionNumber = ""
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "-1024", "1", "HU"
    _store(data, np.rint(phantom.pixels + 1024), 12, "MONOCHROME2")


def _mr(data: Dataset, phantom: Phantom, inverted: bool) -> None:
    """Set the attributes and pixels of an MR image."""
    _slice(data, phantom)
    data.ImageType = ["DERIVED", "PRIMARY", "OTHER", "SYNTHETIC"]
    data.ScanningSequence = "IR" if "FLAIR" in phantom.protocol else "SE"
    data.SequenceVariant = "NONE"
    data.ScanOptions = "FS" if "FS" in phantom.protocol else ""
    data.MRAcquisitionType = "2D"
    data.EchoTime, data.EchoTrainLength = ("15", "1") if "T1" in phantom.protocol else ("90", "16")
    data.RepetitionTime = "500" if "T1" in phantom.protocol else "4000"
    _store(data, np.rint(phantom.pixels), 12, "MONOCHROME2")


def _radiograph(data: Dataset, phantom: Phantom, inverted: bool) -> None:
    """Set the attributes and pixels of a digital (DX) or computed (CR) radiograph."""
    spacing = f"{phantom.spacing:.4f}"
    data.ImageType = ["DERIVED", "PRIMARY", "", "SYNTHETIC"]
    data.ImagerPixelSpacing = [spacing, spacing]
    data.ViewPosition = "PA"
    data.PatientOrientation = ["L", "F"]
    if data.Modality == "DX":
        data.PresentationIntentType = "FOR PRESENTATION"
        data.PixelIntensityRelationship = "LOG"
        data.PixelIntensityRelationshipSign = 1 if inverted else -1
        data.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
        data.ImageLaterality = "U"
        data.AcquisitionContextSequence = []
        data.AnatomicRegionSequence = [_code(*ANATOMIC_REGIONS[data.BodyPartExamined])]
        data.DetectorType = data.PositionerType = ""
        data.RescaleType = "US"
    else:
        data.Laterality = ""
    data.RescaleIntercept, data.RescaleSlope = "0", "1"
    data.WindowCenter, data.WindowWidth = "2048", "4096"
    stored = np.rint(phantom.pixels * 4095)
    _store(data, 4095 - stored if inverted else stored, 12, "MONOCHROME1" if inverted else "MONOCHROME2")
