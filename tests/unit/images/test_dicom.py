import io
import tracemalloc

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from cbir.errors import InputError
from cbir.images.reading import inspect_image, read_image
from dicom_files import by_arithmetic, make_dicom, write_dicom

STORED = np.random.default_rng(0).integers(0, 4096, (40, 30)).astype(np.uint16)
COLOR = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def by_pydicom(dataset, low, high):
    """The values that pydicom's own modality and VOI functions give, scaled from low..high to 0..255."""
    return by_arithmetic(apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset), low, high)


def lut(levels, first, bits):
    item = Dataset()
    item.LUTDescriptor = [len(levels), first, bits]
    item.LUTData = levels
    item["LUTData"].VR = "US"
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    return item


def test_pixels_without_a_window_are_shown_from_their_minimum_to_their_maximum(tmp_path):
    path = write_dicom(tmp_path / "a", STORED + 300, BitsStored=13)
    np.testing.assert_array_equal(read_image(path), by_arithmetic(STORED.astype(float), STORED.min(), STORED.max()))
    assert inspect_image(path)["bits"] == 13


def test_unsigned_8_bit_pixels_without_a_window_are_shown_as_they_are(tmp_path):
    pixels = (STORED % 100 + 50).astype(np.uint8)
    np.testing.assert_array_equal(read_image(write_dicom(tmp_path / "a", pixels)), pixels)
    signed = write_dicom(tmp_path / "b", (pixels.astype(int) - 100).astype(np.int8))
    np.testing.assert_array_equal(read_image(signed), by_arithmetic(pixels.astype(float), 50, 149))


@pytest.mark.parametrize("tags", [{"RescaleSlope": 1, "RescaleIntercept": 0}, {"RescaleSlope": 1}])
def test_unsigned_8_bit_pixels_with_an_identity_rescale_are_shown_as_they_are(tmp_path, tags):
    pixels = np.array([[60, 61, 120, 180]], np.uint8)
    np.testing.assert_array_equal(read_image(write_dicom(tmp_path / "a", pixels, **tags)), pixels)
    inverted = write_dicom(tmp_path / "b", pixels, PhotometricInterpretation="MONOCHROME1", **tags)
    np.testing.assert_array_equal(read_image(inverted), 255 - pixels)


def test_rescaled_8_bit_pixels_without_a_window_are_shown_from_their_minimum_to_their_maximum(tmp_path):
    path = write_dicom(tmp_path / "a", np.array([[60, 120, 180]], np.uint8), RescaleSlope=1, RescaleIntercept=-60)
    np.testing.assert_array_equal(read_image(path), [[0, 128, 255]])


def test_flat_pixels_are_black(tmp_path):
    assert not read_image(write_dicom(tmp_path / "a", np.full((4, 5), 900, np.uint16))).any()


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", None])
@pytest.mark.parametrize(("center", "width"), [(40, 400), (-600, 1500), (0.5, 80.5), (100, 1)])
def test_a_window_in_hounsfield_units_is_applied_as_pydicom_applies_it(tmp_path, function, center, width):
    tags = {
        "RescaleSlope": 2,
        "RescaleIntercept": -3000,
        "WindowCenter": center,
        "WindowWidth": width,
        "BitsStored": 12,
    }
    if function:
        tags["VOILUTFunction"] = function
    dataset = make_dicom(STORED, **tags)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    expected = by_pydicom(dataset, -3000.0, 4095 * 2 - 3000.0)
    np.testing.assert_allclose(read_image(tmp_path / "a").astype(float), expected, atol=1)
    assert (read_image(tmp_path / "a") == expected).mean() > 0.99  # exact halves may be rounded up or down


def test_a_linear_window_follows_the_formula_of_the_standard(tmp_path):
    stored = np.array([[29, 30, 31, 40, 49, 50, 51]], np.uint16)
    path = write_dicom(tmp_path / "a", stored, WindowCenter=40, WindowWidth=20)  # PS3.3 C.11.2.1.2.1
    expected = [0, 0, 1.5 / 19 - 0.5 / 19, (0.5 / 19 + 0.5), (9.5 / 19 + 0.5), 1, 1]
    np.testing.assert_array_equal(read_image(path), np.floor(np.array([expected]) * 255 + 0.5))


@pytest.mark.parametrize(
    ("function", "center", "expected"),
    [
        ("LINEAR", 1, [0, 255, 255]),  # C.11.2.1.2.1: black up to c - 0.5, white above
        ("LINEAR", 1.5, [0, 0, 255]),
        ("LINEAR", 0.5, [0, 255, 255]),
        ("LINEAR_EXACT", 1, [0, 128, 255]),  # C.11.2.1.3.2: (x - c) / w + 0.5
        ("LINEAR_EXACT", 1.5, [0, 0, 255]),
        ("SIGMOID", 1, [5, 128, 250]),  # C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)); 1 / (1 + e^4) = 0.018
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_of_width_1_follows_the_formula_of_the_standard(tmp_path, function, center, expected, photometric):
    tags = {"VOILUTFunction": function, "WindowCenter": center, "WindowWidth": 1}
    stored = np.array([[0, 1, 2]], np.uint8)
    read = read_image(write_dicom(tmp_path / "a", stored, PhotometricInterpretation=photometric, **tags))
    if photometric == "MONOCHROME1":
        expected = [128 if level == 128 else 255 - level for level in expected]  # a half is rounded up
    np.testing.assert_array_equal(read, [expected])


def test_the_first_of_several_windows_is_applied(tmp_path):
    path = write_dicom(tmp_path / "a", STORED, WindowCenter=[1000, 40], WindowWidth=[500, 80])
    single = write_dicom(tmp_path / "b", STORED, WindowCenter=1000, WindowWidth=500)
    np.testing.assert_array_equal(read_image(path), read_image(single))


@pytest.mark.parametrize("tags", [{"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": None, "WindowWidth": None}])
def test_a_window_without_a_width_is_ignored(tmp_path, tags):
    path = write_dicom(tmp_path / "a", STORED, **tags)
    np.testing.assert_array_equal(read_image(path), read_image(write_dicom(tmp_path / "b", STORED)))


def test_signed_pixels_keep_their_order(tmp_path):
    pixels = STORED.astype(np.int16) - 2048
    path = write_dicom(tmp_path / "a", pixels, BitsStored=12, WindowCenter=0, WindowWidth=4096)
    np.testing.assert_array_equal(read_image(path), by_arithmetic(pixels.astype(float), -2048, 2047))


@pytest.mark.parametrize(("high_bit", "shift"), [(15, 4), (13, 2), (11, 0)])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize("syntax", [None, RLELossless, DeflatedExplicitVRLittleEndian])
def test_stored_values_end_at_the_high_bit(tmp_path, high_bit, shift, kind, syntax):
    values = STORED.astype(np.int32) - 2048 * (kind is np.int16)
    others = np.random.default_rng(5).integers(0, 2**16, STORED.shape)  # such as bits of an overlay
    within = (2**12 - 1) << shift
    words = ((values << shift) & within | others & ~within).astype(np.uint16).view(kind)
    dataset = make_dicom(words, BitsStored=12, WindowCenter=2048 - 2048 * (kind is np.int16), WindowWidth=4096)
    dataset.HighBit = high_bit
    if syntax == RLELossless:
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    expected = by_arithmetic(values.astype(float), values.min() // 2048 * 2048, values.min() // 2048 * 2048 + 4095)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), expected)


@pytest.mark.parametrize("high_bit", [10, 16, 300])
def test_a_high_bit_that_pixels_cannot_have_is_ignored(tmp_path, high_bit):
    dataset = make_dicom(STORED, BitsStored=12)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    dataset.HighBit = high_bit
    dataset.save_as(tmp_path / "b", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), read_image(tmp_path / "b"))


def test_colors_end_at_the_high_bit(tmp_path):
    dataset = make_dicom(COLOR.astype(np.uint16) << 8, BitsStored=12)
    dataset.HighBit = 15
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), COLOR)


def test_monochrome1_is_inverted(tmp_path):
    for tags in ({}, {"WindowCenter": 2000, "WindowWidth": 1000}):
        inverted = read_image(write_dicom(tmp_path / "a", STORED, PhotometricInterpretation="MONOCHROME1", **tags))
        plain = read_image(write_dicom(tmp_path / "b", STORED, **tags))
        np.testing.assert_allclose(inverted.astype(int), 255 - plain.astype(int), atol=1)
        assert inverted[plain == 0].min() == 255
        assert inverted[plain == 255].max() == 0


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_stretch_the_range(tmp_path, photometric):
    pixels = STORED.astype(np.int16)
    pixels[:5] = -2000
    path = write_dicom(tmp_path / "a", pixels, PixelPaddingValue=-2000, PhotometricInterpretation=photometric)
    expected = by_arithmetic(pixels[5:].astype(float), pixels[5:].min(), pixels[5:].max())
    read = read_image(path)
    assert not read[:5].any()
    np.testing.assert_allclose(read[5:], 255 - expected if photometric == "MONOCHROME1" else expected, atol=1)


def test_every_value_of_a_padding_range_is_padding(tmp_path):
    pixels = STORED.astype(np.int16)
    pixels[0, :3] = [-2000, -1500, -1000]
    path = write_dicom(tmp_path / "a", pixels, PixelPaddingValue=-1000, PixelPaddingRangeLimit=-2000)
    assert not read_image(path)[0, :3].any()
    expected = by_arithmetic(pixels[1:].astype(float), STORED.min(), STORED.max())
    np.testing.assert_allclose(read_image(path)[1:], expected, atol=1)


def test_an_image_of_nothing_but_padding_is_black(tmp_path):
    path = write_dicom(tmp_path / "a", np.full((3, 3), 7, np.uint16), PixelPaddingValue=7)
    assert not read_image(path).any()


def test_a_voi_lut_maps_rescaled_values_and_is_applied_instead_of_a_window(tmp_path):
    levels = [int(level) for level in np.linspace(0, 1, 1000) ** 2 * 1023]
    tags = {"RescaleSlope": 1, "RescaleIntercept": -1000, "WindowCenter": 40, "WindowWidth": 80}
    dataset = make_dicom(STORED, VOILUTSequence=[lut(levels, -500, 10)], **tags)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    entry = np.clip(STORED.astype(int) - 1000 + 500, 0, 999)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), by_arithmetic(np.array(levels)[entry], 0, 1023))


def test_a_modality_lut_is_applied_before_the_window(tmp_path):
    levels = [int(level) for level in np.linspace(0, 60000, 4096)[::-1]]
    path = write_dicom(
        tmp_path / "a", STORED, ModalityLUTSequence=[lut(levels, 0, 16)], WindowCenter=30000, WindowWidth=20001
    )
    np.testing.assert_array_equal(read_image(path), by_arithmetic(np.array(levels)[STORED] - 29999.5, -10000, 10000))


def test_8_bit_pixels_with_a_modality_lut_are_shown_from_its_minimum_to_its_maximum(tmp_path):
    levels = [int(level) for level in np.linspace(1000, 60000, 256)]
    path = write_dicom(tmp_path / "a", COLOR[..., 0], ModalityLUTSequence=[lut(levels, 0, 16)])
    values = np.array(levels)[COLOR[..., 0]]
    np.testing.assert_array_equal(read_image(path), by_arithmetic(values, values.min(), values.max()))


def test_32_bit_and_float_pixels_are_shown_from_their_minimum_to_their_maximum(tmp_path):
    pixels = STORED.astype(np.uint32) * 1_000_000
    expected = by_arithmetic(STORED.astype(float), STORED.min(), STORED.max())
    np.testing.assert_array_equal(read_image(write_dicom(tmp_path / "a", pixels)), expected)
    dataset = make_dicom(STORED.astype(np.float32))
    dataset.FloatPixelData = dataset.pop("PixelData").value
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.save_as(tmp_path / "b", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "b"), expected)


def test_rgb_is_shown_as_it_is_in_both_planar_configurations(tmp_path):
    np.testing.assert_array_equal(read_image(write_dicom(tmp_path / "a", COLOR)), COLOR)
    dataset = make_dicom(COLOR, PlanarConfiguration=1)
    dataset.PixelData = np.moveaxis(COLOR, 2, 0).tobytes()
    dataset.save_as(tmp_path / "b", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "b"), COLOR)


@pytest.mark.parametrize(("kind", "factor"), [(np.uint16, 257), (np.uint32, 0x01010101)])
def test_rgb_deeper_than_8_bits_shows_its_high_byte(tmp_path, kind, factor):
    path = write_dicom(tmp_path / "a", COLOR.astype(kind) * kind(factor))
    np.testing.assert_array_equal(read_image(path), COLOR)


def test_ybr_becomes_rgb(tmp_path):
    pixels = np.array([[[76, 85, 255], [150, 44, 21], [29, 255, 107], [128, 128, 128]]], np.uint8)
    path = write_dicom(tmp_path / "a", pixels, PhotometricInterpretation="YBR_FULL")  # ITU-T T.871
    expected = [[[254, 0, 0], [0, 255, 1], [0, 0, 254], [128, 128, 128]]]
    np.testing.assert_allclose(read_image(path).astype(int), expected, atol=1)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [0, 10])
def test_a_palette_becomes_its_colors(tmp_path, bits, first):
    pixels = np.arange(30, dtype=np.uint8).reshape(5, 6)
    levels = np.random.default_rng(2).integers(0, 256, (3, 16))
    dataset = make_dicom(pixels, PhotometricInterpretation="PALETTE COLOR")
    for color, channel in zip(("Red", "Green", "Blue"), levels, strict=True):
        setattr(dataset, f"{color}PaletteColorLookupTableDescriptor", [16, first, bits])
        data = channel.astype(np.uint8) if bits == 8 else (channel * 257).astype("<u2")
        setattr(dataset, f"{color}PaletteColorLookupTableData", data.tobytes())
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    entry = np.clip(pixels.astype(int) - first, 0, 15)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), np.moveaxis(levels[:, entry], 0, 2))


def test_a_frame_is_read_by_its_number_without_reading_the_others(tmp_path):
    frames = np.random.default_rng(3).integers(0, 4096, (64, 128, 128)).astype(np.uint16)
    path = write_dicom(tmp_path / "a", frames)
    read_image(path)
    tracemalloc.start()
    read = read_image(path, 41)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(read, by_arithmetic(frames[41].astype(float), frames[41].min(), frames[41].max()))
    assert peak < frames.nbytes / 2
    for frame in (64, -1):
        with pytest.raises(InputError, match=f"no frame {frame}, it has 64"):
            read_image(path, frame)


def test_an_enhanced_objects_frames_have_their_own_rescale_and_window(tmp_path):
    def group(**tags):
        item = Dataset()
        for keyword, value in tags.items():
            setattr(item, keyword, value)
        return item

    def voi(center, width):
        return [group(WindowCenter=center, WindowWidth=width)]

    frames = np.stack([STORED, STORED])
    path = write_dicom(
        tmp_path / "a",
        frames,
        SharedFunctionalGroupsSequence=[
            group(PixelValueTransformationSequence=[group(RescaleSlope=2, RescaleIntercept=-1000)])
        ],
        PerFrameFunctionalGroupsSequence=[
            group(FrameVOILUTSequence=voi(0, 2001)),
            group(FrameVOILUTSequence=voi(3000, 4001)),
        ],
    )
    values = STORED * 2.0 - 1000
    np.testing.assert_array_equal(read_image(path, 0), by_arithmetic(values + 0.5, -1000, 1000))
    np.testing.assert_array_equal(read_image(path, 1), by_arithmetic(values + 0.5, 1000, 5000))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_pixels_are_shown_like_uncompressed_ones(tmp_path, syntax):
    dataset = make_dicom(np.tile(STORED, (2, 3)), BitsStored=12, WindowCenter=2000, WindowWidth=1500)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(tmp_path / "b", enforce_file_format=True)
    assert inspect_image(tmp_path / "a") == inspect_image(tmp_path / "b")


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_other_uncompressed_transfer_syntaxes_give_the_same_pixels(tmp_path, syntax):
    dataset = make_dicom(STORED, BitsStored=12, VOILUTSequence=[lut([0, 100, 300, 1023], 10, 10)])
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "b", enforce_file_format=True)
    assert inspect_image(tmp_path / "a") == inspect_image(tmp_path / "b")


@pytest.mark.parametrize(("is_implicit", "is_little_endian"), [(True, True), (False, True), (False, False)])
def test_a_data_set_without_the_file_format_is_read_as_dicom(tmp_path, is_implicit, is_little_endian):
    dataset = make_dicom(COLOR[..., 0])
    del dataset.file_meta
    dataset.save_as(tmp_path / "a", implicit_vr=is_implicit, little_endian=is_little_endian)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), COLOR[..., 0])


@pytest.mark.parametrize("photometric", ["HSV", "YBR_PARTIAL_422"])
def test_an_unknown_photometric_interpretation_is_named(tmp_path, photometric):
    dataset = make_dicom(COLOR, PhotometricInterpretation=photometric)
    dataset.PixelData = dataset.PixelData[: 2 * COLOR[..., 0].size]  # YBR_PARTIAL_422 stores two samples per pixel
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(InputError, match=f"photometric interpretation {photometric} is not read; convert"):
        read_image(tmp_path / "a")


def test_a_transfer_syntax_without_a_decoder_is_named(tmp_path):
    dataset = make_dicom(STORED)
    dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(InputError, match="MPEG-4"):
        read_image(tmp_path / "a")


def test_dicom_that_claims_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    path = write_dicom(tmp_path / "a", STORED, Rows=65535, Columns=65535)
    with pytest.raises(InputError, match="65535 x 65535 pixels; at most"):
        read_image(path)


def test_big_endian_pixels_are_shown_like_little_endian_ones(tmp_path):
    dataset = make_dicom(STORED, BitsStored=12)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    dataset.PixelData = STORED.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    (tmp_path / "b").write_bytes(stream.getvalue())
    assert inspect_image(tmp_path / "a") == inspect_image(tmp_path / "b")
