import itertools
import zlib

import numpy as np
import pytest
from PIL import Image

from cbir.images.reading import inspect_image, read_image
from picture_files import write_deep_png, write_png, write_tiff

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(100, 4000, (37, 53)).astype(np.uint16)  # 12-bit grey, whose high bytes are below 16
ALPHA = RANDOM.integers(0, 65536, (37, 53)).astype(np.uint16)


def stretched(values):
    """Grey levels between the smallest and the largest value, before rounding."""
    values = values.astype(float)
    return (values - values.min()) / (values.max() - values.min()) * 255


def of_type(kind):
    """Values of a numpy type, with the smallest and the largest that it holds."""
    if kind == "bool":
        return RANDOM.random((37, 53)) > 0.5
    if kind == "f4":
        return RANDOM.normal(0, 100, (37, 53)).astype(kind)
    limits = np.iinfo(kind)
    values = RANDOM.integers(limits.min, limits.max, (37, 53), endpoint=True).astype(kind)
    values.flat[:2] = limits.min, limits.max
    return values


@pytest.mark.parametrize("kind", ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "f4"])
@pytest.mark.parametrize("photometric", [0, 1], ids=["white is zero", "black is zero"])
def test_a_grey_tiff_is_shown_by_its_values_in_every_depth_byte_order_and_storage(tmp_path, kind, photometric):
    values = of_type(kind)
    expected = stretched(values)  # values of 1 and of 8 unsigned bits span their whole range, so they stay as they are
    for order, compressed, tile, in_planes in itertools.product("<>", [False, True], [0, 16], [False, True]):
        path = write_tiff(tmp_path / "a.tif", values, photometric, order, compressed, tile, in_planes)
        shown = read_image(path)
        assert shown.dtype == np.uint8
        np.testing.assert_allclose(shown, expected if photometric else 255 - expected, atol=0.5001)
        assert inspect_image(path)["bits"] == (1 if kind == "bool" else 8 * int(kind[1]))


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_white_is_zero_is_also_inverted_in_lzw_as_pillow_writes_it(tmp_path, kind):
    values = of_type(kind)
    plain, inverted = tmp_path / "plain.tif", tmp_path / "inverted.tif"
    Image.fromarray(values).save(plain, compression="tiff_lzw")
    tag, short = b"\x06\x01", b"\x03\x00\x01\x00\x00\x00"  # PhotometricInterpretation 262, one 16-bit number
    content = plain.read_bytes()
    assert content.count(tag + short + b"\x01\x00") == 1
    inverted.write_bytes(content.replace(tag + short + b"\x01\x00", tag + short + b"\x00\x00"))
    np.testing.assert_allclose(read_image(plain), stretched(values), atol=0.5001)
    np.testing.assert_allclose(read_image(inverted), 255 - stretched(values), atol=0.5001)


def test_nan_is_black_also_where_white_is_zero(tmp_path):
    values = np.array([[-1, 0, 1, np.nan]], np.float32)
    np.testing.assert_array_equal(read_image(write_tiff(tmp_path / "a.tif", values, 0)), [[255, 128, 0, 0]])


def grey_as_color(folder):
    """Files of GREY as red, green and blue."""
    equal = np.dstack([GREY] * 3)
    yield write_deep_png(folder / "a.png", equal)
    for order, compressed, tile in itertools.product("<>", [False, True], [0, 16]):
        yield write_tiff(folder / "a.tif", equal, 2, order, compressed, tile)


def test_16_bit_grey_stored_as_rgb_is_the_same_picture_as_16_bit_grey(tmp_path):
    grey = write_deep_png(tmp_path / "grey.png", GREY[..., None])
    expected = inspect_image(grey)
    np.testing.assert_allclose(read_image(grey), stretched(GREY), atol=0.5001)
    for path in grey_as_color(tmp_path):
        assert inspect_image(path) == expected


def test_one_pixel_of_16_bit_color_in_its_lowest_bit_makes_a_picture_one_of_color(tmp_path):
    nearly_grey = np.dstack([GREY] * 3)
    nearly_grey[3, 5, 1] ^= 1
    for path in (write_deep_png(tmp_path / "a.png", nearly_grey), write_tiff(tmp_path / "a.tif", nearly_grey, 2)):
        np.testing.assert_array_equal(read_image(path), nearly_grey >> 8)


def test_16_bit_color_shows_its_high_byte_in_every_storage(tmp_path):
    color = RANDOM.integers(0, 65536, (37, 53, 3)).astype(np.uint16)
    np.testing.assert_array_equal(read_image(write_deep_png(tmp_path / "a.png", color)), color >> 8)
    for order, compressed, tile, in_planes in itertools.product("<>", [False, True], [0, 16], [False, True]):
        path = write_tiff(tmp_path / "a.tif", color, 2, order, compressed, tile, in_planes)
        np.testing.assert_array_equal(read_image(path), color >> 8)
        assert inspect_image(path)["bits"] == 16


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "RGB"])
def test_16_bit_grey_with_alpha_is_stretched_as_without_and_then_blended_with_black(tmp_path, channels):
    shown = read_image(write_deep_png(tmp_path / "a.png", np.dstack([GREY] * channels + [ALPHA])))
    assert shown.shape == GREY.shape
    np.testing.assert_allclose(shown, stretched(GREY) * (ALPHA >> 8) / 255, atol=1)
    opaque = write_deep_png(tmp_path / "b.png", np.dstack([GREY] * channels + [np.full_like(GREY, 65535)]))
    assert inspect_image(opaque) == inspect_image(write_deep_png(tmp_path / "c.png", GREY[..., None]))


def test_values_that_cannot_be_seen_do_not_change_the_range(tmp_path):
    values = np.array([[1000, 2000, 3000, 60000, 0]], np.uint16)
    alpha = np.array([[65535, 65535, 65535, 0, 0]], np.uint16)
    path = write_deep_png(tmp_path / "a.png", np.dstack([values, alpha]))
    np.testing.assert_array_equal(read_image(path), [[0, 128, 255, 0, 0]])
    assert not read_image(write_deep_png(tmp_path / "b.png", np.dstack([values, 0 * alpha]))).any()


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "RGB"])
def test_a_transparent_value_of_16_bit_grey_is_black(tmp_path, channels):
    values = np.dstack([np.array([[1000, 2000, 3000, 60000]], np.uint16)] * channels)
    transparent = (60000).to_bytes(2, "big") * channels
    path = write_deep_png(tmp_path / "a.png", values, transparent)
    np.testing.assert_array_equal(read_image(path), [[0, 128, 255, 0]])


def test_grey_of_8_bits_stored_as_rgb_stays_as_it_is(tmp_path):
    rows = [bytes([10, 10, 10, 200, 200, 200])]
    path = write_png(tmp_path / "a.png", 2, 1, 8, 2, rows)
    np.testing.assert_array_equal(read_image(path), [[[10] * 3, [200] * 3]])


def test_exif_orientation_turns_deep_grey_stored_as_rgb(tmp_path):
    path = write_deep_png(tmp_path / "a.png", np.dstack([GREY] * 3))
    exif = b"eXIf" + b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6
    content = path.read_bytes()
    chunk = (len(exif) - 4).to_bytes(4, "big") + exif + zlib.crc32(exif).to_bytes(4, "big")
    end = content.index(b"IDAT") - 4
    path.write_bytes(content[:end] + chunk + content[end:])
    np.testing.assert_allclose(read_image(path), np.rot90(stretched(GREY), -1), atol=0.5001)
