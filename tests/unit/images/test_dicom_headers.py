import pytest
from pydicom.dataset import Dataset

from cbir.errors import InputError
from cbir.images.dicom_headers import number_of_frames, pixel_sides


def header(**tags):
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(("tags", "frames"), [({}, 1), ({"NumberOfFrames": None}, 1), ({"NumberOfFrames": 15}, 15)])
def test_an_image_has_one_frame_unless_its_header_says_otherwise(tags, frames):
    assert number_of_frames(header(**tags)) == frames


def test_two_numbers_of_frames_are_refused():
    with pytest.raises(InputError, match=r"NumberOfFrames is '\[2, 3\]', not a whole number"):
        number_of_frames(header(NumberOfFrames=[2, 3]))


def test_a_spacing_comes_before_another_that_is_less_specific():
    tags = {"PixelAspectRatio": [4, 3], "ImagerPixelSpacing": [0.2, 0.1], "PixelSpacing": [0.3, 0.1]}
    for keyword, sides in (("PixelSpacing", (0.3, 0.1)), ("ImagerPixelSpacing", (0.2, 0.1)), (None, (4, 3))):
        assert pixel_sides(header(**tags)) == sides
        tags.pop(keyword, None)


def test_pixels_are_square_where_no_header_says_otherwise():
    assert pixel_sides(header()) == (1, 1)
