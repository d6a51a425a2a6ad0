import numpy as np

from cbir.images.thumbnails import make_thumbnail


def test_a_thumbnail_has_the_means_of_equal_boxes():
    pixels = np.random.default_rng(0).integers(0, 256, (96, 160), dtype=np.uint8)
    means = pixels.reshape(32, 3, 32, 5).mean((1, 3))
    assert np.abs(make_thumbnail(pixels) - means).max() <= 1


def test_a_thumbnail_of_colour_is_the_luminance():
    red = np.zeros((40, 40, 3), dtype=np.uint8)
    red[..., 0] = 200
    assert np.unique(make_thumbnail(red)).tolist() == [60]  # 0.299 * 200, ITU-R BT.601
