import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cbir.datasets.fingerprints import (
    fingerprint_images,
    hash_thumbnails,
    make_thumbnail,
    read_fingerprints,
    write_fingerprints,
)
from cbir.errors import InputError


def test_a_thumbnail_has_the_means_of_equal_boxes():
    pixels = np.random.default_rng(0).integers(0, 256, (96, 160), dtype=np.uint8)
    means = pixels.reshape(32, 3, 32, 5).mean((1, 3))
    assert np.abs(make_thumbnail(pixels) - means).max() <= 1


def test_a_thumbnail_of_colour_is_the_luminance():
    red = np.zeros((40, 40, 3), dtype=np.uint8)
    red[..., 0] = 200
    assert np.unique(make_thumbnail(red)).tolist() == [60]  # 0.299 * 200, ITU-R BT.601


def test_the_hash_has_a_bit_for_each_of_the_lowest_frequencies_above_their_median():
    thumbnail = np.random.default_rng(1).integers(0, 256, (32, 32)).astype(np.uint8)
    wave = [[math.cos(math.pi * u * (2 * x + 1) / 64) for x in range(32)] for u in range(8)]  # the formula of DCT-II
    scale = [1 / math.sqrt(32)] + [1 / 4] * 7
    low = [
        scale[u] * scale[v] * sum(thumbnail[y, x] * wave[u][y] * wave[v][x] for y in range(32) for x in range(32))
        for u in range(8)
        for v in range(8)
    ]
    median = (sorted(low)[31] + sorted(low)[32]) / 2
    expected = int("".join("1" if value > median else "0" for value in low), 2)
    assert hash_thumbnails(thumbnail[None]).tolist() == [expected]


def test_the_hash_depends_on_neither_brightness_nor_contrast():
    dark = np.random.default_rng(2).integers(0, 100, (5, 32, 32)).astype(np.uint8)
    assert hash_thumbnails(2 * dark + 50).tolist() == hash_thumbnails(dark).tolist()


def test_a_large_jpeg_has_the_thumbnail_of_its_full_resolution(tmp_path):
    rows = np.random.default_rng(6).integers(0, 256, (70, 70)).astype(np.uint8)
    picture = Image.fromarray(rows).resize((1000, 1000), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "a.jpg", quality=95)
    images = pd.DataFrame({"path": [str(tmp_path / "a.jpg")], "frame": 0, "pixel_hash": ["a"]})
    (thumbnail,) = fingerprint_images(images, 1)["thumbnail"]
    difference = np.frombuffer(thumbnail, np.uint8).reshape(32, 32).astype(int) - make_thumbnail(np.array(picture))
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("threads", [1, 2])
def test_each_distinct_picture_has_one_fingerprint(tmp_path, threads):
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    pictures = np.random.default_rng(3).integers(0, 256, (3, 32, 64), dtype=np.uint8)
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    images = pd.DataFrame({"path": [*paths, paths[1]], "frame": 0, "pixel_hash": ["c", "a", "b", "a"]})
    fingerprints = fingerprint_images(images, threads)
    assert fingerprints["pixel_hash"].tolist() == ["c", "a", "b"]
    assert fingerprints["thumbnail"].tolist() == [make_thumbnail(picture).tobytes() for picture in pictures]


def fingerprints(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"pixel_hash": names, "perceptual_hash": len(names) * [2**63], "thumbnail": [bytes(1024)] * len(names)}
    )


def test_blocks_are_written_to_one_file_without_repeats(tmp_path):
    write_fingerprints([fingerprints("a", "b"), fingerprints(), fingerprints("b", "c")], tmp_path / "all.parquet")
    (read,) = read_fingerprints([tmp_path / "all.parquet"])
    assert read["pixel_hash"].tolist() == ["a", "b", "c"]
    assert set(read["perceptual_hash"]) == {2**63}


def test_a_dataset_without_readable_images_has_an_empty_file(tmp_path):
    none = fingerprint_images(pd.DataFrame({"path": [], "frame": [], "pixel_hash": []}), 1)
    write_fingerprints([none], tmp_path / "none.parquet")
    assert sum(map(len, read_fingerprints([tmp_path / "none.parquet"]))) == 0


def test_a_damaged_file_is_set_aside(tmp_path):
    (tmp_path / "all.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="fingerprints"):
        list(read_fingerprints([tmp_path / "all.parquet"]))
    assert (tmp_path / "all.parquet.damaged").exists()
