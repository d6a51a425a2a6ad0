"""Headers of DICOM files, and where their pixel data stand."""

import logging
import os
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

# What pydicom warns of (odd values, padding) a viewer shows all the same; what it cannot read it raises.
warnings.filterwarnings("ignore", module="pydicom")
logging.getLogger("pydicom").setLevel(logging.ERROR)

PIXEL_DATA = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
UNDEFINED_LENGTH = 0xFFFFFFFF
SIGNATURE_END = 132  # bytes of a file that tell whether it is DICOM


@dataclass
class PixelElement:
    """The element that holds a file's pixel data: what it is, and the stream that stands at its value."""

    keyword: str
    vr: str | None
    length: int
    stream: BinaryIO


def is_dicom(start: bytes) -> bool:
    """Whether a file that starts so is DICOM: the prefix after the preamble, or a bare data set's first group."""
    return start[128:132] == b"DICM" or start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def read_header(file: BinaryIO, keywords: list[str] | None = None) -> tuple[FileDataset, PixelElement | None]:
    """All elements before the pixel data, or those of the keywords, and the pixel data's element (None: there is none).

    The pixel data themselves are not read. A data set without a transfer syntax gets the uncompressed one that it is
    written in. Raises what pydicom raises on a broken header.
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
    element.stream.seek(8 if element.vr is None else 12, os.SEEK_CUR)  # tag and length; explicit VRs take four bytes
    return header, element


def is_truncated(element: PixelElement) -> bool:
    """Whether the stream ends before the pixel data do; decoders of JPEG and JPEG-LS would fill in the rest.

    Walks the fragments of encapsulated pixel data (PS3.5 A.4) without reading them. Leaves the stream where it was.
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
