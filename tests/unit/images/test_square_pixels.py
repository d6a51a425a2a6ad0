"""Pixels that are not square. Expected sizes and values are worked by hand."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from cbir.errors import InputError
from cbir.images.dicom import read_dicom_image
from cbir.images.reading import inspect_image, read_image
from dicom_files import make_dicom, write_dicom

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")


def group(**tags):
    item = Dataset()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize(("spacing", "shape"), [([2, 1], (40, 30)), ([1, 3], (20, 90)), ([4, 3], (27, 30))])
def test_pixels_become_square_with_the_smaller_side(tmp_path, keyword, spacing, shape):
    path = write_dicom(tmp_path / "a", GREY, **{keyword: spacing})  # vertical, then horizontal
    assert read_image(path).shape == shape
    inspected = inspect_image(path)
    assert (inspected["height"], inspected["width"]) == shape


def test_square_pixels_are_interpolated_between_the_centers_of_those_stored(tmp_path):
    stored = np.array([[0, 100, 200]], np.uint8)
    path = write_dicom(tmp_path / "a", stored, PixelSpacing=[1, 2])
    # The centers of the six square pixels lie at -0.25, 0.25, 0.75, 1.25, 1.75 and 2.25 stored pixels.
    np.testing.assert_array_equal(read_image(path), [[0, 25, 75, 125, 175, 200]])


def test_colors_become_square(tmp_path):
    stored = np.array([[[0, 40, 80]], [[200, 40, 160]]], np.uint8)
    path = write_dicom(tmp_path / "a", stored, PixelAspectRatio=[2, 1])
    expected = [[[0, 40, 80]], [[50, 40, 100]], [[150, 40, 140]], [[200, 40, 160]]]
    np.testing.assert_array_equal(read_image(path), expected)


def test_a_mask_of_one_bit_stays_black_and_white(tmp_path):
    mask = np.random.default_rng(1).integers(0, 2, (8, 16), dtype=np.uint8)
    dataset = make_dicom(mask, PixelSpacing=[3, 1])
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.PixelData = np.packbits(mask.ravel(), bitorder="little").tobytes()
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), np.repeat(255 * mask, 3, axis=0))


@pytest.mark.parametrize("where", ["shared", "per frame"])
def test_the_frames_of_an_enhanced_object_become_square_by_their_functional_groups(tmp_path, where):
    measures = [group(PixelMeasuresSequence=[group(PixelSpacing=spacing)]) for spacing in ([2, 1], [1, 1])]
    if where == "shared":
        groups = {"SharedFunctionalGroupsSequence": measures[:1]}
    else:
        groups = {"PerFrameFunctionalGroupsSequence": measures}
    path = write_dicom(tmp_path / "a", np.stack([GREY, GREY]), **groups)
    assert read_image(path, 0).shape == (40, 30)
    assert read_image(path, 1).shape == ((40, 30) if where == "shared" else (20, 30))


@pytest.mark.parametrize("keyword", ["PixelSpacing", "PixelAspectRatio"])
@pytest.mark.parametrize("text", ["0\\1", "-2\\1", "21\\1", "1\\21", "1", "1\\2\\4", "a\\b", "0,5\\0,2", "nan\\1", ""])
def test_a_spacing_that_no_picture_has_is_ignored(tmp_path, keyword, text):
    dataset = make_dicom(GREY)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.add_new(keyword, "LO", text.split("\\"))  # LO takes any text, and implicit VR does not write that it is LO
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), GREY)


def test_a_spacing_that_cannot_be_used_gives_way_to_the_next_one(tmp_path):
    path = write_dicom(tmp_path / "a", GREY, PixelSpacing=[0, 0], PixelAspectRatio=[2, 1])
    assert read_image(path).shape == (40, 30)


def test_sides_that_are_equal_but_for_the_last_digit_leave_the_pixels_as_they_are(tmp_path):
    path = write_dicom(tmp_path / "a", GREY, PixelSpacing=[0.488281, 0.4882812])
    np.testing.assert_array_equal(read_image(path), GREY)


def test_a_picture_too_large_with_square_pixels_is_refused(tmp_path):
    path = write_dicom(tmp_path / "a", GREY, PixelSpacing=[20, 1])
    with path.open("rb") as file:
        assert read_dicom_image(file, 0, 12_000)[0].shape == (400, 30)
        file.seek(0)
        with pytest.raises(InputError, match="30 x 400 square pixels; at most 11999 are read"):
            read_dicom_image(file, 0, 11_999)
