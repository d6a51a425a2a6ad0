"""Pixels of DICOM images as a radiologist's viewer shows them."""

from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, as_pixel_options, get_decoder

from cbir.errors import InputError
from cbir.images.dicom_headers import PixelElement, is_truncated, read_header

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")  # decoded to RGB
TABLE_SPAN = 2**16  # stored values that a table of grey levels covers; 32-bit and float images go without


def read_dicom_image(file: BinaryIO, frame: int, largest: int) -> tuple[np.ndarray, int]:
    """One frame of an open DICOM file as its viewer shows it, and its bits stored.

    Returns (h, w) grey or (h, w, 3) RGB uint8. Grey passes through the modality LUT or rescale, then the VOI LUT or
    (the first) window; without either, 8 bits show as they are and deeper pixels from their minimum to their maximum.
    MONOCHROME1 is inverted, padding is black; overlays, which are drawings, are left out. PS3.3 C.7.6.3, C.11.1,
    C.11.2, and C.7.6.16.2 for the frames of enhanced objects. largest: the pixels that a frame may have. Raises
    InputError, or what pydicom and the decoders raise on pixels that they cannot decode.
    """
    header, element = read_header(file)
    if element is None or "Rows" not in header or "Columns" not in header:
        raise InputError("DICOM without pixels")
    frames = int(header.get("NumberOfFrames") or 1)
    if not 0 <= frame < frames:
        raise InputError(f"no frame {frame}, it has {frames}, counted from 0")
    if header.Rows * header.Columns > largest:
        raise InputError(f"{header.Rows} x {header.Columns} pixels; at most {largest} are read")
    if is_truncated(element):
        raise InputError("truncated: the file ends before its pixel data do")
    pixels = _decode_frame(header, element, frame)
    bits = int(header.get("BitsStored") or 8 * pixels.itemsize)
    _take_frame_attributes(header, frame)
    photometric = header.PhotometricInterpretation
    if photometric in COLOR:
        return _high_byte(pixels, bits), bits
    if photometric == "PALETTE COLOR":
        return _palette_colors(pixels, header), bits
    if photometric not in GREY:
        raise InputError(f"photometric interpretation {photometric} is none of {', '.join((*GREY, *COLOR))}")
    grey = _grey_levels(pixels, header)
    if "RedPaletteColorLookupTableDescriptor" in header:
        return _colored_above(grey, pixels, header), bits
    return grey, bits


def _decode_frame(header: Dataset, element: PixelElement, frame: int) -> np.ndarray:
    """The stored pixels of one frame, (h, w) or (h, w, 3), YBR as RGB; no other frame is read."""
    options = as_pixel_options(header, pixel_keyword=element.keyword)
    if element.vr is not None:
        options["pixel_vr"] = element.vr
    syntax = header.file_meta.TransferSyntaxUID
    return get_decoder(syntax).as_array(element.stream, index=frame, transfer_syntax_uid=syntax, **options)[0]


def _take_frame_attributes(header: Dataset, frame: int) -> None:
    """Put the rescale and window of an enhanced object's frame, shared or its own, where other objects have them."""
    for keyword, item in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        groups = header.get(keyword)
        if groups and len(groups) > item:
            for group in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                if groups[item].get(group):
                    header.update(groups[item][group].value[0])


def _grey_levels(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Stored pixels through the grey pipeline, uint8; what is padding, or no number, is black."""
    hidden = _is_padding(pixels, header)
    if pixels.dtype.kind == "f":
        hidden = hidden | ~np.isfinite(pixels)
    visible = pixels[~hidden] if np.any(hidden) else pixels
    if not visible.size:
        return np.zeros(pixels.shape, np.uint8)
    low, high = visible.min(), visible.max()
    if visible is not pixels:
        pixels = np.clip(pixels, low, high)
    if pixels.dtype.kind in "iu" and int(high) - int(low) < TABLE_SPAN:
        table = _show(np.arange(int(low), int(high) + 1), header)
        shown = table[np.subtract(pixels, int(low), dtype=np.int64)]
    else:
        shown = _show(pixels, header)
    if visible is not pixels:
        shown[hidden] = 0
    return shown


def _is_padding(pixels: np.ndarray, header: Dataset) -> np.ndarray | bool:
    """Where pixels are padding: the padding value, or the range up to its limit (PS3.3 C.7.5.1.1.2)."""
    value = header.get("PixelPaddingValue")
    if not isinstance(value, int) or pixels.dtype.kind not in "iu":
        return False
    limit = header.get("PixelPaddingRangeLimit")
    # A padding value read as unsigned for signed pixels wraps around to the one meant.
    ends = np.array([value, limit if isinstance(limit, int) else value]).astype(pixels.dtype)
    return (pixels >= ends.min()) & (pixels <= ends.max())


def _show(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Stored values to grey levels, uint8: modality LUT, VOI, MONOCHROME1."""
    values = _modality_values(stored, header)
    shares = _lut_shares(values, header)
    if shares is None:
        shares = _window_shares(values, header)
    if shares is None:
        shares = _range_shares(values, header)
    if header.PhotometricInterpretation == "MONOCHROME1":
        shares = 1 - shares
    return (shares * 255 + 0.5).astype(np.uint8)


def _modality_values(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Values in the modality's unit, such as Hounsfield units."""
    if header.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, header).astype(np.int64)
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    if slope is None and intercept is None:
        return stored
    return stored * float(slope or 1) + float(intercept or 0)


def _lut_shares(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Values through the first VOI LUT, 0 to 1; None where there is none."""
    tables = header.get("VOILUTSequence")
    if not tables or not tables[0].get("LUTData"):
        return None
    entries, first, depth = tables[0].LUTDescriptor
    last = first + (entries or 2**16) - 1
    levels = apply_voi(np.clip(np.rint(values), first, last).astype(np.int64), header)
    return levels / max(2**depth - 1, levels.max())


def _window_shares(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Values through the first window, 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where there is none."""
    center, width = _first_number(header, "WindowCenter"), _first_number(header, "WindowWidth")
    if center is None or width is None or width <= 0:
        return None
    function = header.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID":
        return 0.5 + 0.5 * np.tanh(2 * (values - center) / width)
    if function == "LINEAR" and width > 1:  # a narrower one can only be meant exactly
        center, width = center - 0.5, width - 1
    return np.clip((values - center) / width + 0.5, 0, 1)


def _first_number(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value is None else float(value)


def _range_shares(values: np.ndarray, header: Dataset) -> np.ndarray:
    """Values from their minimum to their maximum, 0 to 1; unsigned ones of 8 bits or fewer over all that these hold."""
    low, high = float(values.min()), float(values.max())
    bits = int(header.get("BitsStored") or 16)
    if values.dtype.kind in "iu" and bits <= 8 and not header.get("PixelRepresentation"):
        low, high = 0.0, 2.0**bits - 1
    return (values - low) / max(high - low, np.finfo(float).tiny)


def _high_byte(values: np.ndarray, bits: int) -> np.ndarray:
    return (values >> (bits - 8) if bits > 8 else values).astype(np.uint8, copy=False)


def _palette_colors(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Stored pixels through the palette, (h, w, 3) uint8."""
    entries, first, depth = header.RedPaletteColorLookupTableDescriptor
    header.pop("PixelPresentation", None)  # for which pydicom refuses a palette
    _, is_little_endian = header.original_encoding
    for color in ("Red", "Green", "Blue"):
        keyword = f"{color}PaletteColorLookupTableData"
        if not is_little_endian and keyword in header:  # pydicom takes the words of these as little endian
            header[keyword].value = np.frombuffer(header[keyword].value, np.uint16).byteswap().tobytes()
    within = np.clip(pixels.astype(np.int64), first, first + (entries or 2**16) - 1)
    return _high_byte(apply_color_lut(within, header)[..., :3], depth)


def _colored_above(grey: np.ndarray, pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """A grey image whose stored values from the supplemental palette's first on are in color (PS3.3 C.7.6.19)."""
    first = header.RedPaletteColorLookupTableDescriptor[1]
    return np.where((pixels >= first)[..., None], _palette_colors(pixels, header), grey[..., None])
