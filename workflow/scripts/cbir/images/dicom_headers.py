"""Headers of DICOM files, and where their pixel data begin."""

import logging
import os
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cbir.errors import InputError

# A viewer shows files with odd values or padding all the same; what pydicom cannot read raises an error anyway.
warnings.filterwarnings("ignore", module="pydicom")
logging.getLogger("pydicom").setLevel(logging.ERROR)

PIXEL_DATA = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
UNDEFINED_LENGTH = 0xFFFFFFFF
SIGNATURE_END = 132  # number of bytes at the start of a file that tell whether it is DICOM
# sizes of pixels, the most specific first; the last one is only their ratio
PIXEL_SIDES = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
MOST_UNEQUAL = 20  # greatest ratio between the sides of a pixel; a header that claims more is a mistake


@dataclass
class PixelElement:
    """The element that holds a file's pixel data, with a stream positioned at the first byte of its value."""

    keyword: str
    vr: str | None
    length: int
    stream: BinaryIO


def is_dicom(start: bytes) -> bool:
    """Whether a file with these first SIGNATURE_END bytes is DICOM.

    It is if the prefix follows the preamble, or if a bare data set begins with its first group.

    >>> is_dicom(bytes(128) + b"DICM"), is_dicom(b"GIF89a")
    (True, False)
    """
    return start[128:132] == b"DICM" or start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def read_header(file: BinaryIO, keywords: list[str] | None = None) -> tuple[FileDataset, PixelElement | None]:
    """The header of an open file, and the element of its pixel data, which are not read.

    keywords: the elements to read; None reads all elements before the pixel data. A data set that names no transfer
    syntax gets the uncompressed one in which it is written. Returns None as the element where there are no pixel data.
    Raises what pydicom raises on a broken header.
    """
    found = []

    def at_pixel_data(tag: int, vr: str | None, length: int) -> bool:
        if tag in PIXEL_DATA:
            found.append((PIXEL_DATA[tag], vr, length))
        return tag in PIXEL_DATA

    tags = [Tag(keyword) for keyword in keywords] if keywords else None
    header = read_partial(file, at_pixel_data, force=True, specific_tags=tags)
    if "TransferSyntaxUID" not in header.file_meta:
        is_implicit, is_little_endian = header.original_encoding
        native = ExplicitVRLittleEndian if is_little_endian else ExplicitVRBigEndian
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else native
    if not found:
        return header, None
    element = PixelElement(*found[0], file)
    if header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        element.stream = header.buffer  # the inflated data set
    # Skip the tag and the length; with an explicit VR four more bytes.
    element.stream.seek(8 if element.vr is None else 12, os.SEEK_CUR)
    return header, element


def is_truncated(element: PixelElement) -> bool:
    """Whether the file ends before its pixel data do. Decoders of JPEG and JPEG-LS would invent the missing rest.

    Encapsulated pixel data are followed from fragment to fragment (PS3.5 A.4) without reading them. The stream is left
    where it was.
    """
    stream, start = element.stream, element.stream.tell()
    end = stream.seek(0, os.SEEK_END)
    position = start + element.length
    if element.length == UNDEFINED_LENGTH:
        position = start
        while position < end:
            stream.seek(position)
            group, number, length = struct.unpack("<HHL", stream.read(8).ljust(8, b"\xff"))
            if (group, number) != (0xFFFE, 0xE000):
                break
            position += 8 + length
    stream.seek(start)
    return position > end


def number_of_frames(header: Dataset) -> int:
    """Number of frames of an image, 1 if the header does not tell. Raises InputError for text that is no number."""
    try:
        return int(header.get("NumberOfFrames") or 1)
    except (TypeError, ValueError) as error:
        written = header.get_item("NumberOfFrames").value
        written = written.decode("latin-1").strip() if isinstance(written, bytes) else str(written)
        raise InputError(f"NumberOfFrames is {written!r}, not a whole number; correct it in the file") from error


def pixel_sides(header: Dataset) -> tuple[float, float]:
    """Height and width of a pixel: in mm, or in no unit if only their ratio is known. (1, 1) if the header has neither.

    The values come from the first element of PIXEL_SIDES with two positive numbers, of which neither exceeds
    MOST_UNEQUAL times the other (PS3.3 10.7.1.3 and C.7.6.3.1.7). Other values are ignored.
    """
    for keyword in PIXEL_SIDES:
        try:
            height, width = (float(side) for side in header.get(keyword) or ())
        except (TypeError, ValueError):
            continue
        if min(height, width) > 0 and max(height, width) <= MOST_UNEQUAL * min(height, width):
            return height, width
    return 1.0, 1.0
