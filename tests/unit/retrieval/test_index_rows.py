"""A size holds as many images as it says, smaller sizes are subsets of larger ones, and impossible ones are refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.errors import InputError
from cbir.retrieval.index_rows import check_sizes, draw_generator, read_rows, sample_rows, write_rows

LABEL = np.array((["a"] * 60 + ["b"] * 30 + ["c"] * 10) * 2)
SPLIT = np.array(["train"] * 100 + ["test"] * 100)


def rows(size: str, draw: int = 0, *, seed: int = 0, stratify: bool = False, label=LABEL, split=SPLIT) -> np.ndarray:
    return sample_rows(label, split, size, draw_generator(seed, "d", draw), stratify)


@pytest.mark.parametrize(
    ("size", "images"), [("17", 17), ("25pct", 25), ("2.5pct", 2), ("4-per-label", 12), ("full", 100)]
)
@pytest.mark.parametrize("stratify", [False, True])
def test_a_size_holds_that_many_different_index_images(size, images, stratify):
    drawn = rows(size, stratify=stratify)
    assert len(np.unique(drawn)) == images
    assert (SPLIT[drawn] == "train").all()
    assert (np.diff(drawn) > 0).all()


def test_a_size_per_label_holds_that_many_images_of_each_label():
    assert np.unique(LABEL[rows("4-per-label")], return_counts=True)[1].tolist() == [4, 4, 4]


@pytest.mark.parametrize("sizes", [["5", "17", "40pct", "90", "full"], ["1-per-label", "3-per-label", "9-per-label"]])
@pytest.mark.parametrize("stratify", [False, True])
def test_smaller_sizes_of_a_draw_are_subsets_of_larger_ones(sizes, stratify):
    for draw in range(3):
        sets = [set(rows(size, draw, stratify=stratify)) for size in sizes]
        assert all(small <= large for small, large in itertools.pairwise(sets))


def test_draws_differ_and_repeat():
    assert rows("30", 0).tolist() == rows("30", 0).tolist()
    assert rows("30", 0).tolist() != rows("30", 1).tolist()
    assert rows("30", 0).tolist() != rows("30", 0, seed=1).tolist()


def test_every_image_is_drawn_equally_often():
    drawn = np.concatenate([rows("20", draw) for draw in range(2000)])
    counts = np.bincount(drawn, minlength=100)[:100]
    assert abs(counts.mean() - 400) < 1e-9
    assert counts.std() < 3 * np.sqrt(2000 * 0.2 * 0.8)


@given(st.integers(3, 100), st.integers(0, 50))
def test_a_stratified_draw_has_the_labels_in_proportion(images, draw):
    counts = [np.count_nonzero(LABEL[rows(str(images), draw, stratify=True)] == label) for label in "abc"]
    np.testing.assert_allclose(counts, np.array([0.6, 0.3, 0.1]) * images, atol=1.0001 + 1)


@pytest.mark.parametrize(
    ("size", "largest"),
    [("101", "the largest possible is 100"), ("11-per-label", "the largest possible is 10-per-label")],
)
def test_an_impossible_size_is_refused_with_the_largest_possible_one(size, largest):
    with pytest.raises(InputError, match=largest):
        rows(size)


def test_all_impossible_sizes_are_refused_at_once():
    with pytest.raises(InputError, match=r"(?s)101.*11-per-label"):
        check_sizes(LABEL, SPLIT, ["101", "11-per-label", "full"], 10, "d")


def test_a_search_deeper_than_the_smallest_index_is_refused():
    with pytest.raises(InputError, match=r"search.k: 20 is more than the 15 images of an index of size 5-per-label"):
        check_sizes(LABEL, SPLIT, ["5-per-label", "full"], 20, "d")
    check_sizes(LABEL, SPLIT, ["5-per-label", "full"], 15, "d")


def test_rows_are_read_as_written(tmp_path):
    write_rows(rows("17"), tmp_path / "17.0.npy")
    np.testing.assert_array_equal(read_rows(tmp_path / "17.0.npy"), rows("17"), strict=True)
    assert [path.name for path in tmp_path.iterdir()] == ["17.0.npy"]


def test_a_file_of_rows_that_is_truncated_or_of_another_kind_is_set_aside(tmp_path):
    path = tmp_path / "17.0.npy"
    write_rows(rows("17"), path)
    whole = path.read_bytes()
    np.save(tmp_path / "other.npy", np.ones((2, 3)))
    np.savez(tmp_path / "other.npz", rows("17"))
    others = [(tmp_path / name).read_bytes() for name in ("other.npy", "other.npz")]
    for content in (b"", b"no array", whole[:20], whole[:-1], *others):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"17.0.npy: not a (complete )?file of index rows.*same command again"):
            read_rows(path)
        assert not path.exists()
        assert (tmp_path / "17.0.npy.damaged").exists()


def test_a_missing_file_of_rows_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npy"):
        read_rows(tmp_path / "absent.npy")
