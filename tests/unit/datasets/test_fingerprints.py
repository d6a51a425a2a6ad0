import math

import numpy as np
import pandas as pd
import pytest

from cbir.datasets.fingerprints import (
    fingerprint_images,
    hash_thumbnails,
    read_earlier_inspection,
    read_fingerprints,
    write_fingerprints,
)
from cbir.errors import InputError
from cbir.images.reading import INSPECTION


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


def test_each_distinct_readable_picture_has_one_fingerprint():
    thumbnails = np.random.default_rng(3).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    pictures = [*(thumbnail.tobytes() for thumbnail in thumbnails), b"", thumbnails[1].tobytes()]
    hashes = ["c", "a", "b", "", "a"]
    inspection = pd.DataFrame(
        {"readable": [True, True, True, False, True], "pixel_hash": hashes, "thumbnail": pictures}
    )
    fingerprints = fingerprint_images(inspection)
    assert fingerprints["pixel_hash"].tolist() == ["c", "a", "b"]
    assert fingerprints["thumbnail"].tolist() == pictures[:3]
    assert fingerprints["perceptual_hash"].tolist() == hash_thumbnails(thumbnails).tolist()


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
    none = fingerprint_images(pd.DataFrame({"readable": [False], "pixel_hash": [""], "thumbnail": [b""]}))
    write_fingerprints([none], tmp_path / "none.parquet")
    assert sum(map(len, read_fingerprints([tmp_path / "none.parquet"]))) == 0


def test_a_damaged_file_is_set_aside(tmp_path):
    (tmp_path / "all.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="fingerprints"):
        list(read_fingerprints([tmp_path / "all.parquet"]))
    assert (tmp_path / "all.parquet.damaged").exists()


@pytest.fixture
def earlier(tmp_path):
    """The files of an earlier inspection of five images."""
    write_fingerprints([fingerprints("a", "b")], tmp_path / "fingerprints.parquet")
    readable, hashes = [True, True, False, True, True], ["b", "b", "", "not there", "a"]
    table = pd.DataFrame({"path": list("12345"), "readable": readable, "pixel_hash": hashes})
    table = table.assign(**{name: "x" for name in INSPECTION if name not in table})
    table.to_parquet(tmp_path / "inspection.parquet")
    return tmp_path / "inspection.parquet", tmp_path / "fingerprints.parquet"


def test_an_earlier_inspection_comes_back_with_its_thumbnails(earlier):
    known = read_earlier_inspection(*earlier, pd.Series(list("12349")))
    assert known["path"].tolist() == ["1", "2"]
    assert known["thumbnail"].tolist() == [bytes(1024)] * 2
    assert [*known] == [*pd.read_parquet(earlier[0]), "thumbnail"]


def test_without_an_earlier_inspection_and_after_one_with_other_columns_nothing_is_known(earlier):
    inspection, prints = earlier
    assert read_earlier_inspection(inspection.with_name("none.parquet"), prints, pd.Series(["1"])) is None
    pd.read_parquet(inspection).drop(columns="decoder").to_parquet(inspection)
    assert read_earlier_inspection(inspection, prints, pd.Series(["1"])) is None
