"""Grey values deeper than 8 bits, of picture files that Pillow decodes wrongly or to their high byte only."""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    FILLORDER,
    II,
    MM,
    OPEN_INFO,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    SAMPLEFORMAT,
)

UNSIGNED, SIGNED = (1,), (2,)  # TIFF 6.0, tag SampleFormat
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1  # TIFF 6.0, tag PhotometricInterpretation
# How Pillow opens the grey TIFF files that it can decode but does not list: its mode, and the samples in the file.
UNLISTED = {
    (II, WHITE_IS_ZERO, SIGNED, 8): ("L", "L"),
    (MM, WHITE_IS_ZERO, SIGNED, 8): ("L", "L"),
    (MM, WHITE_IS_ZERO, UNSIGNED, 16): ("I;16B", "I;16B"),
    (II, WHITE_IS_ZERO, SIGNED, 16): ("I", "I;16S"),
    (MM, WHITE_IS_ZERO, SIGNED, 16): ("I", "I;16BS"),
    (II, WHITE_IS_ZERO, UNSIGNED, 32): ("I", "I;32S"),
    (MM, WHITE_IS_ZERO, UNSIGNED, 32): ("I", "I;32BS"),
    (II, WHITE_IS_ZERO, SIGNED, 32): ("I", "I;32S"),
    (MM, WHITE_IS_ZERO, SIGNED, 32): ("I", "I;32BS"),
    (MM, BLACK_IS_ZERO, UNSIGNED, 32): ("I", "I;32BS"),
}
for (_order, _photometric, _sample_format, _bits), _modes in UNLISTED.items():
    OPEN_INFO.setdefault((_order, _photometric, _sample_format, 1, (_bits,), ()), _modes)

# Pillow's name of samples of 16 bits, to a name that gives their low bytes, and the channels that hold these.
# N is the byte order of the machine.
LOW_BYTES = {
    "LA;16B": ("RGBA", slice(1, 2)),  # four channels of one byte: grey high, grey low, alpha high, alpha low
    **{
        f"{channels};16{order}": (f"{channels};16{other}", slice(3))
        for channels in ("RGB", "RGBA", "RGBX")
        for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
    },
}


def correct_layout(image: Image.Image) -> str:
    """Pillow's name ("raw mode") of the samples in the file of an image that is not loaded; "" if it has none.

    Two names that Pillow gives to the samples of TIFF files are wrong and are corrected in the image. In compressed
    files, libtiff returns samples in the machine's byte order, which Pillow knows for unsigned ones only. In
    uncompressed files with a plane for each channel, Pillow takes only the first letter of the channel's name.
    """
    layout = _layout(image)
    if image.format != "TIFF" or not image.tile:
        return layout
    if image.tile[0].codec_name == "libtiff":
        if layout in ("I;16BS", "I;32BS", "F;32BF"):
            set_layout(image, layout.replace("B", "N"))
    elif _has_planes(image):
        _correct_planes(image)
    return _layout(image)


def _correct_planes(image: Image.Image) -> None:
    tags = image.tag_v2
    bits = tags.get(BITSPERSAMPLE, (1,))[:1]
    if len(image.getbands()) == 1:
        sample_format = tuple(np.atleast_1d(tags.get(SAMPLEFORMAT, UNSIGNED)))[:1]
        kind = (tags.prefix, tags.get(PHOTOMETRIC_INTERPRETATION, 0), sample_format, tags.get(FILLORDER, 1), bits, ())
        set_layout(image, OPEN_INFO[kind][1])
    elif bits == (16,):
        order = "L" if tags.prefix == II else "B"
        image.tile = [tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:])) for tile in image.tile]


def set_layout(image: Image.Image, layout: str) -> None:
    """Let Pillow take the samples in the file as those of a raw mode. To be called before the image is loaded."""
    image.tile = [
        tile._replace(args=layout if isinstance(tile.args, str) else (layout, *tile.args[1:])) for tile in image.tile
    ]


def _layout(image: Image.Image) -> str:
    arguments = image.tile[0].args if image.tile else ""
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _has_planes(image: Image.Image) -> bool:
    return image.format == "TIFF" and image.tag_v2.get(PLANAR_CONFIGURATION) == 2


def grey_values(image: Image.Image) -> np.ndarray | None:
    """The values of a loaded grey image of signed samples, or of samples deeper than 8 bits, (h, w); None for others.

    The values of a WhiteIsZero TIFF are inverted, so that the greatest is white.
    """
    is_tiff = image.format == "TIFF"
    is_signed = is_tiff and tuple(np.atleast_1d(image.tag_v2.get(SAMPLEFORMAT, UNSIGNED))) == SIGNED
    if not image.mode.startswith(("I", "F")) and not (image.mode == "L" and is_signed):
        return None
    values = np.asarray(image)
    if image.mode == "L":
        values = values.view(np.int8)
    elif image.mode == "I" and is_tiff and not is_signed:
        values = values.view(np.uint32)
    if is_tiff and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:
        return -values if image.mode == "F" else ~values
    return values


def grey_of_channels(image: Image.Image, layout: str, decode_again: Callable[[str], np.ndarray]) -> np.ndarray | None:
    """The 16-bit values of a grey picture that is stored with alpha or as RGB; None for color and for 8 bits.

    image: the loaded picture, of which Pillow keeps the high bytes. layout: the raw mode of the samples in the file.
    decode_again: gives the picture's pixels by another raw mode. It is called only if the high bytes are grey.

    Returns (h, w) uint16.
    """
    if layout not in LOW_BYTES or _has_planes(image):  # Pillow reads planes by their high bytes, whatever the layout
        return None
    high = np.asarray(image)
    if (high[..., 1:3] != high[..., :1]).any():
        return None
    low_layout, channels = LOW_BYTES[layout]
    low = decode_again(low_layout)[..., channels]
    if (low != low[..., :1]).any():
        return None
    return high[..., 0].astype(np.uint16) << 8 | low[..., 0]
