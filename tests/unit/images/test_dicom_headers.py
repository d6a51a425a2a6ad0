import pytest
from pydicom.dataset import Dataset

from cbir.errors import InputError
from cbir.images.dicom_headers import number_of_frames


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
