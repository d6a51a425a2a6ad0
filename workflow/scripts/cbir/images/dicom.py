"""Pixels of DICOM images as a radiologist's viewer shows them."""

from typing import BinaryIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, as_pixel_options, get_decoder
from pydicom.uid import UID, RLELossless

from cbir.errors import InputError
from cbir.images.dicom_headers import PixelElement, is_truncated, number_of_frames, pixel_sides, read_header
from cbir.images.grey_levels import high_byte, round_levels, shares_between
from cbir.images.lookup_tables import look_up, table_depth
from cbir.images.square_pixels import make_square

GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")  # all decoded to RGB
PHOTOMETRIC = (*GREY, PALETTE, "RGB", *YBR)
TABLE_SPAN = 2**16  # largest number of stored values for which a table of grey levels is made; 32 bits can have more


def read_dicom_image(file: BinaryIO, frame: int, largest: int) -> tuple[np.ndarray, int]:
    """One frame of an open DICOM file as a viewer shows it, and the bits stored per sample.

    Grey values pass through the modality LUT or rescale, then through the first VOI LUT or else the first window.
    Without either, unsigned 8-bit images are shown as they are, unless a rescale or a modality LUT changes their
    values; others are shown from their minimum to their maximum. MONOCHROME1 is inverted and padding is black. Pixels
    that are not square are made square, with the smaller of the two sides, by bilinear interpolation; images of one
    bit are interpolated by the nearest neighbor. Overlays are left out, because they are drawings. Sources: PS3.3
    C.7.6.3, C.11.1 and C.11.2; for the frames of enhanced objects C.7.6.16.2.

    frame: counted from 0. largest: the greatest number of pixels per frame that is read, also counted as square ones.

    Returns (h, w) grey or (h, w, 3) RGB, uint8.

    Raises InputError for a file without pixels, a missing frame, too many pixels, a truncated file, an unknown
    photometric interpretation or a number of frames that is no number. Raises what pydicom and the decoders raise on
    pixels that they cannot decode.
    """
    header, element = read_header(file)
    if element is None or "Rows" not in header or "Columns" not in header:
        raise InputError("DICOM without pixels")
    frames = number_of_frames(header)
    if not 0 <= frame < frames:
        raise InputError(f"no frame {frame}, it has {frames}, counted from 0")
    if header.Rows * header.Columns > largest:
        raise InputError(f"{header.Rows} x {header.Columns} pixels; at most {largest} are read")
    if is_truncated(element):
        raise InputError("truncated: the file ends before its pixel data do")
    pixels = _decode_frame(header, element, frame)
    bits = int(header.get("BitsStored") or 8 * pixels.itemsize)
    _take_frame_attributes(header, frame)
    shown = _show(pixels, header, bits)
    height, width = pixel_sides(header)
    if height != width:
        filtering = Image.Resampling.NEAREST if bits == 1 else Image.Resampling.BILINEAR
        shown = make_square(shown, np.array([height, width]), largest, filtering)
    return shown, bits


def _decode_frame(header: Dataset, element: PixelElement, frame: int) -> np.ndarray:
    """The stored pixels of one frame, (h, w) or (h, w, 3), with YBR converted to RGB. No other frame is read."""
    syntax = header.file_meta.TransferSyntaxUID
    decoder = get_decoder(syntax)
    photometric = header.get("PhotometricInterpretation")
    if photometric not in PHOTOMETRIC:
        raise InputError(
            f"photometric interpretation {photometric} is not read; convert the file to one of {', '.join(PHOTOMETRIC)}"
        )
    options = as_pixel_options(header, pixel_keyword=element.keyword)
    if element.vr is not None:
        options["pixel_vr"] = element.vr
    is_shifted = element.keyword == "PixelData" and _is_shifted(header, syntax)
    if is_shifted:
        options["bits_stored"] = header.BitsAllocated  # otherwise pydicom masks the bits above BitsStored
    pixels = decoder.as_array(element.stream, index=frame, transfer_syntax_uid=syntax, **options)[0]
    return _stored_values(pixels, header) if is_shifted else pixels


def _is_shifted(header: Dataset, syntax: UID) -> bool:
    """Whether unused bits lie below the stored values, as the standard allowed until 2014.

    Transfer syntaxes that encode values instead of words have no such bits.
    """
    keeps_words = not syntax.is_encapsulated or syntax == RLELossless
    high_bit = header.get("HighBit")
    if not keeps_words or header.PhotometricInterpretation in YBR or high_bit is None:
        return False
    return header.BitsStored <= high_bit < header.BitsAllocated


def _stored_values(words: np.ndarray, header: Dataset) -> np.ndarray:
    """The bits of each word from HighBit down, BitsStored of them, of the same type; their sign is kept."""
    above = header.BitsAllocated - 1 - header.HighBit
    return np.left_shift(words, above) >> (header.BitsAllocated - header.BitsStored)


def _show(pixels: np.ndarray, header: Dataset, bits: int) -> np.ndarray:
    """Grey levels or colors of stored pixels, (h, w) or (h, w, 3) uint8."""
    photometric = header.PhotometricInterpretation
    if photometric == PALETTE:
        return _palette_colors(pixels, header)
    if photometric not in GREY:
        return high_byte(pixels, bits)
    grey = _show_grey(pixels, header)
    if "RedPaletteColorLookupTableDescriptor" in header:
        return _colored_above(grey, pixels, header)
    return grey


def _take_frame_attributes(header: Dataset, frame: int) -> None:
    """Copy rescale, window and spacing of an enhanced object's frame to the top level, where other objects have them.

    They stand in the functional groups, either shared by all frames or of each frame.
    """
    for keyword, item in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        groups = header.get(keyword)
        if groups and len(groups) > item:
            for group in ("PixelValueTransformationSequence", "FrameVOILUTSequence", "PixelMeasuresSequence"):
                if groups[item].get(group):
                    header.update(groups[item][group].value[0])


def _show_grey(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Grey levels of stored pixels, uint8 of the same shape. Padding and values that are no numbers are black."""
    hidden = _is_padding(pixels, header)
    if pixels.dtype.kind == "f":
        hidden = hidden | ~np.isfinite(pixels)
    visible = pixels[~hidden] if np.any(hidden) else pixels
    if not visible.size:
        return np.zeros(pixels.shape, np.uint8)
    low, high = visible.min(), visible.max()
    if visible is not pixels:
        pixels = np.clip(pixels, low, high)  # hidden values must not stretch the range
    if pixels.dtype.kind in "iu" and int(high) - int(low) < TABLE_SPAN:
        table = _show_values(np.arange(int(low), int(high) + 1), header)
        shown = table[np.subtract(pixels, int(low), dtype=np.int64)]
    else:
        shown = _show_values(pixels, header)
    if visible is not pixels:
        shown[hidden] = 0
    return shown


def _is_padding(pixels: np.ndarray, header: Dataset) -> np.ndarray | bool:
    """Which pixels are padding: those with the padding value, or between it and its limit (PS3.3 C.7.5.1.1.2)."""
    value = header.get("PixelPaddingValue")
    if not isinstance(value, int) or pixels.dtype.kind not in "iu":
        return False
    limit = header.get("PixelPaddingRangeLimit")
    # A padding value of signed pixels that was read as unsigned wraps around to the intended one.
    ends = np.array([value, limit if isinstance(limit, int) else value]).astype(pixels.dtype)
    return (pixels >= ends.min()) & (pixels <= ends.max())


def _show_values(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Grey levels of stored values, uint8: modality LUT, then VOI LUT, window or full range, then MONOCHROME1."""
    values = _modality_values(stored, header)
    shares = _lut_shares(values, header)
    if shares is None:
        shares = _window_shares(values, header)
    if shares is None:
        shares = shares_between(values, *_value_range(values, header))
    if header.PhotometricInterpretation == "MONOCHROME1":
        shares = 1 - shares
    return round_levels(shares)


def _modality_values(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Values in the unit of the modality, such as Hounsfield units; stored values where the header has no mapping."""
    if tables := header.get("ModalityLUTSequence"):
        return look_up(stored, tables[0], _is_little_endian(header)).astype(np.float64)
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    return stored if (slope, intercept) == (1, 0) else stored * slope + intercept


def _lut_shares(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Values through the first VOI LUT, 0 to 1. None if there is no LUT."""
    tables = header.get("VOILUTSequence")
    if not tables or not tables[0].get("LUTData"):
        return None
    levels = look_up(values, tables[0], _is_little_endian(header))
    return levels / max(2 ** table_depth(tables[0]) - 1, levels.max())


def _is_little_endian(header: Dataset) -> bool:
    return bool(header.original_encoding[1])


def _window_shares(values: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Values through the first window, 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3). None if there is no window."""
    center, width = _first_number(header, "WindowCenter"), _first_number(header, "WindowWidth")
    if center is None or width is None or width <= 0:
        return None
    function = header.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID":
        return 0.5 + 0.5 * np.tanh(2 * (values - center) / width)
    if function == "LINEAR" and width == 1:
        return (values > center - 0.5).astype(np.float64)
    if function == "LINEAR" and width > 1:  # LINEAR has no narrower windows; they are taken as LINEAR_EXACT
        center, width = center - 0.5, width - 1
    return np.clip((values - center) / width + 0.5, 0, 1)


def _first_number(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return None if value is None else float(value)


def _value_range(values: np.ndarray, header: Dataset) -> tuple[float, float]:
    """The values shown as black and as white where there is neither a VOI LUT nor a window.

    These are the minimum and maximum. For unsigned stored values of at most 8 bits they are 0 and 2^bits - 1.
    """
    bits = int(header.get("BitsStored") or 16)
    if values.dtype.kind in "iu" and bits <= 8 and not header.get("PixelRepresentation"):
        return 0.0, 2.0**bits - 1
    return float(values.min()), float(values.max())


def _palette_colors(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Colors of stored pixels by the palette, (h, w, 3) uint8."""
    entries, first, depth = header.RedPaletteColorLookupTableDescriptor
    header.pop("PixelPresentation", None)  # pydicom refuses to apply a palette where this is present
    for color in ("Red", "Green", "Blue"):
        keyword = f"{color}PaletteColorLookupTableData"
        if not _is_little_endian(header) and keyword in header:  # pydicom always reads these words as little endian
            header[keyword].value = np.frombuffer(header[keyword].value, np.uint16).byteswap().tobytes()
    within = np.clip(pixels.astype(np.int64), first, first + (entries or 2**16) - 1)
    return high_byte(apply_color_lut(within, header)[..., :3], depth)


def _colored_above(grey: np.ndarray, pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """A grey image with colors where stored values reach the supplemental palette (PS3.3 C.7.6.19), (h, w, 3)."""
    first = header.RedPaletteColorLookupTableDescriptor[1]
    return np.where((pixels >= first)[..., None], _palette_colors(pixels, header), grey[..., None])
