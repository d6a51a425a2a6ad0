import numpy as np
import pytest

from cbir.errors import InputError
from cbir.images.arrays import SIGNATURE, read_array_image


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 5, 4, 3)])
def test_a_frame_is_the_image_with_that_number(tmp_path, shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "a.npy", images)
    assert (tmp_path / "a.npy").read_bytes().startswith(SIGNATURE)
    pixels, bits = read_array_image(tmp_path / "a.npy", 2)
    np.testing.assert_array_equal(pixels, images[2])
    assert (type(pixels), bits) == (np.ndarray, 8)
    for frame in (3, -1):
        with pytest.raises(InputError, match=f"no frame {frame}, it has 3"):
            read_array_image(tmp_path / "a.npy", frame)


@pytest.mark.parametrize("array", [np.zeros((3, 5), np.uint8), np.zeros((1, 5, 4, 2), np.uint8), np.zeros((3, 5, 4))])
def test_an_array_that_holds_no_images_is_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match="must be of uint8"):
        read_array_image(tmp_path / "a.npy", 0)
