import io
import itertools

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from cbir.datasets.fingerprints import hash_thumbnails, write_fingerprints
from cbir.datasets.near_duplicates import find_near_copies
from cbir.images.reading import read_image
from cbir.images.thumbnails import make_thumbnail


def write_pictures(path, pictures: dict[str, np.ndarray]):
    """A file of the fingerprints of pictures, by the name that serves as their pixel hash."""
    thumbnails = np.array([make_thumbnail(picture) for picture in pictures.values()])
    columns = {"pixel_hash": list(pictures), "perceptual_hash": hash_thumbnails(thumbnails)}
    write_fingerprints([pd.DataFrame(columns | {"thumbnail": [one.tobytes() for one in thumbnails]})], path)
    return path


def write_rows(path, hashes: dict[str, int], thumbnails: dict[str, np.ndarray]):
    """A file of fingerprints with given perceptual hashes and thumbnails."""
    columns = {"pixel_hash": list(hashes), "perceptual_hash": np.array(list(hashes.values()), dtype=np.uint64)}
    write_fingerprints([pd.DataFrame(columns | {"thumbnail": [thumbnails[name].tobytes() for name in hashes]})], path)
    return path


@pytest.fixture(scope="module")
def slice_of_ct():
    """A real CT slice of 128 x 128 pixels, four times enlarged."""
    pixels = read_image(get_testdata_file("CT_small.dcm"))
    return np.array(Image.fromarray(pixels).resize((512, 512), Image.Resampling.BICUBIC))


def compress(pixels: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.array(Image.open(stream))


def resize(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.array(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))


COPIES = {
    "compressed": lambda pixels: compress(pixels, 50),
    "at half the size": lambda pixels: resize(pixels, 256),
    "at another size": lambda pixels: resize(pixels, 300),
    "shifted by a pixel": lambda pixels: np.roll(pixels, 1, axis=1),
    "brighter": lambda pixels: (pixels * 0.9 + 25).astype(np.uint8),
    "with less contrast": lambda pixels: (pixels * 0.7).astype(np.uint8),
    "cut by two pixels on each side": lambda pixels: pixels[2:-2, 2:-2],
    "in colour": lambda pixels: np.stack([pixels] * 3, axis=-1),
}


@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_of_a_real_slice_is_found(tmp_path, slice_of_ct, change):
    copy = COPIES[change](slice_of_ct)
    assert copy.shape != slice_of_ct.shape or (copy != slice_of_ct).any()
    file = write_pictures(tmp_path / "all.parquet", {"query": slice_of_ct, "copy": copy})
    assert find_near_copies([file], {"copy"}, {"query"}) == {"copy"}


def test_images_of_other_patients_and_mirrored_ones_are_no_near_copies(tmp_path, slice_of_ct):
    others = {
        name: read_image(get_testdata_file(f"{name}.dcm")) for name in ("MR_small", "693_J2KI", "examples_overlay")
    }
    others |= {"mirrored": slice_of_ct[:, ::-1], "turned": slice_of_ct.T, "negative": 255 - slice_of_ct}
    file = write_pictures(tmp_path / "all.parquet", {"query": slice_of_ct, **others})
    assert find_near_copies([file], set(others), {"query"}) == set()


def test_pictures_of_one_grey_level_are_no_near_copies(tmp_path):
    blank = {str(level): np.full((40, 40), level, dtype=np.uint8) for level in (0, 1, 7, 255)}
    file = write_pictures(tmp_path / "all.parquet", blank)
    assert find_near_copies([file], {"0", "1", "7"}, {"255"}) == set()


def test_the_pixels_of_a_query_are_no_near_copy_of_it(tmp_path, slice_of_ct):
    file = write_pictures(tmp_path / "all.parquet", {"query": slice_of_ct, "copy": compress(slice_of_ct, 80)})
    assert find_near_copies([file], {"query", "copy"}, {"query"}) == {"copy"}


def test_nothing_is_a_near_copy_where_fingerprints_are_unknown(tmp_path):
    assert find_near_copies([], {""}, {""}) == set()


@pytest.mark.parametrize(("bits", "is_copy"), [(0, True), (6, True), (7, False), (64, False)])
@pytest.mark.parametrize("place", [0, 29, 57])
def test_hashes_of_near_copies_differ_in_at_most_six_bits(tmp_path, bits, is_copy, place):
    ramp = np.arange(1024).astype(np.uint8)
    query = 0x0123456789ABCDEF
    changed = sum(1 << (place + bit * 5) % 64 for bit in range(bits)) if bits < 64 else 2**64 - 1
    hashes = {"query": query, "copy": query ^ changed}
    assert (hashes["query"] ^ hashes["copy"]).bit_count() == bits
    file = write_rows(tmp_path / "all.parquet", hashes, {"query": ramp, "copy": ramp})
    assert find_near_copies([file], {"copy"}, {"query"}) == ({"copy"} if is_copy else set())


@pytest.mark.parametrize(("noise", "is_copy"), [(10, True), (11, False)])
def test_thumbnails_of_near_copies_correlate_by_at_least_0_985(tmp_path, noise, is_copy):
    # The query has the grey levels 70 and 190: variance 60². The noise is uncorrelated with it and has the variance
    # noise². Their correlation is therefore 60 / sqrt(60² + noise²): .98639 for 10 and .98360 for 11.
    signs = np.repeat([1, -1], 512)
    query = (130 + 60 * signs).astype(np.uint8)
    copy = (query.astype(int) + noise * np.tile([1, -1], 512)).astype(np.uint8)
    assert np.corrcoef(query, copy)[0, 1] == pytest.approx(60 / (60**2 + noise**2) ** 0.5)
    file = write_rows(tmp_path / "all.parquet", {"query": 5, "copy": 5}, {"query": query, "copy": copy})
    assert find_near_copies([file], {"copy"}, {"query"}) == ({"copy"} if is_copy else set())


def test_the_search_finds_what_a_comparison_of_all_pairs_finds(tmp_path):
    generator = np.random.default_rng(4)
    seeds = generator.integers(0, 256, (60, 8, 8)).astype(np.uint8)
    soft = [np.array(Image.fromarray(seed).resize((64, 64), Image.Resampling.BICUBIC)) for seed in seeds]
    pictures = {}
    for number in range(600):  # blends of two patterns, so that many pairs are near the limits
        first, second = generator.choice(60, 2, replace=False)
        share = generator.uniform(0, 0.2)
        pictures[str(number)] = ((1 - share) * soft[first] + share * soft[second]).astype(np.uint8)
    files = [write_pictures(tmp_path / f"{part}.parquet", dict(list(pictures.items())[part::2])) for part in range(2)]
    thumbnails = {name: make_thumbnail(picture) for name, picture in pictures.items()}
    hashes = {name: int(hash_thumbnails(one[None])[0]) for name, one in thumbnails.items()}
    queries = {str(number) for number in range(0, 600, 7)}
    correlation = np.corrcoef([one.ravel() for one in thumbnails.values()])
    expected = {
        name
        for name, query in itertools.product(pictures.keys() - queries, queries)
        if (hashes[name] ^ hashes[query]).bit_count() <= 6 and correlation[int(name), int(query)] >= 0.985
    }
    assert 50 < len(expected) < 450
    assert find_near_copies(files, set(pictures) - queries, queries) == expected


def test_a_copy_is_found_behind_hundreds_of_others_with_its_hash(tmp_path):
    generator = np.random.default_rng(5)
    thumbnails = {str(number): generator.integers(0, 256, 1024).astype(np.uint8) for number in range(800)}
    thumbnails["copy"] = (thumbnails["400"] // 2).astype(np.uint8)
    file = write_rows(tmp_path / "all.parquet", dict.fromkeys(thumbnails, 3), thumbnails)
    assert find_near_copies([file], {"copy"}, set(map(str, range(800)))) == {"copy"}
