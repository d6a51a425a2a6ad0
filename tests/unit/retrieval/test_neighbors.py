"""Merged neighbors of the parts of an index are those of the whole, and their file comes back as it was."""

import zipfile

import numpy as np
import pytest

from cbir.errors import InputError
from cbir.retrieval.indexes import build_index, part_rows
from cbir.retrieval.neighbors import Neighbors, load_neighbors, merge_neighbors, rank, save_neighbors
from cbir.retrieval.search import search

INDEX, IMAGES = 1500, 1560


def make_embeddings(distinct):
    """Distinct unit vectors, repeated in random order, so that ties cross the parts."""
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((distinct, 20))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)[generator.integers(0, distinct, IMAGES)]


def search_parts(embeddings, rows, parts, k, factory="Flat"):
    queries = np.arange(INDEX, IMAGES)
    for part in range(parts):
        index = build_index(embeddings, part_rows(rows, part, parts), factory, 1, 0)
        yield search(index, embeddings, queries, min(k, index.ntotal))


@pytest.mark.parametrize("distinct", [IMAGES, 40, 1])
@pytest.mark.parametrize(("parts", "k"), [(2, 10), (3, 100), (7, 300), (15, 10), (1, 10)])
def test_merged_parts_are_the_neighbors_in_the_whole_index_ties_included(distinct, parts, k):
    embeddings = make_embeddings(distinct)
    rows = np.sort(np.random.default_rng(1).choice(INDEX, 1100, replace=False))
    whole = search(build_index(embeddings, rows, "Flat", 1, 0), embeddings, np.arange(INDEX, IMAGES), k)
    merged = merge_neighbors(list(search_parts(embeddings, rows, parts, k)), k)
    for name in ("query", "neighbor", "similarity"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name), strict=True)


def test_parts_may_hold_fewer_images_than_k_but_not_all_together():
    embeddings, rows = make_embeddings(IMAGES), np.arange(50)
    parts = list(search_parts(embeddings, rows, 4, 50))
    assert {part.neighbor.shape[1] for part in parts} == {12, 13}
    np.testing.assert_array_equal(np.sort(merge_neighbors(parts, 50).neighbor, axis=1), np.tile(rows, (60, 1)))
    with pytest.raises(InputError, match=r"search.k is 51, but the parts of the index hold 50 images"):
        merge_neighbors(parts, 51)


def test_places_that_a_part_of_an_approximate_index_does_not_fill_come_last():
    merged = merge_neighbors(list(search_parts(make_embeddings(IMAGES), np.arange(400), 2, 150, "IVF16,Flat")), 150)
    missing = merged.neighbor == -1
    assert missing.any()
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()
    np.testing.assert_array_equal(missing, np.isnan(merged.similarity))
    found = merged.similarity[:, :-1] >= merged.similarity[:, 1:]
    assert (found | missing[:, 1:]).all()


def test_parts_that_were_searched_for_different_queries_are_refused():
    parts = [Neighbors(np.array([q]), np.array([[1]]), np.ones((1, 1), np.float32)) for q in (5, 6)]
    with pytest.raises(InputError, match="different queries"):
        merge_neighbors(parts, 1)


def test_parts_are_disjoint_nearly_equal_and_none_is_empty():
    rows = np.arange(100, 117)
    parts = [part_rows(rows, part, 5) for part in range(5)]
    np.testing.assert_array_equal(np.concatenate(parts), rows)
    assert {len(part) for part in parts} == {3, 4}
    with pytest.raises(InputError, match=r"search.index_shards is 18, but the index holds 17 images"):
        part_rows(rows, 0, 18)


@pytest.mark.parametrize("rows", [1, 40])
def test_the_rank_is_by_falling_similarity_then_by_image_with_empty_places_last(rows):
    generator = np.random.default_rng(2)
    similarity = generator.integers(-4, 5, (rows, 30)).astype(np.float32)
    image = generator.permuted(np.tile(np.arange(100, 130), (rows, 1)), axis=1)
    similarity[:, 27:], image[:, 27:] = np.nan, -1
    ranked, places = rank(similarity, image, 28)
    for row in range(rows):
        pairs = sorted(zip(-similarity[row, :27], image[row, :27], strict=True))
        assert [*zip(-ranked[row, :27], places[row, :27], strict=True)] == pairs
        assert np.isnan(ranked[row, 27])
        assert places[row, 27] == -1
        alone = rank(similarity[row], image[row], 28)
        np.testing.assert_array_equal(alone, (ranked[row], places[row]))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_a_tie_across_the_kth_place_is_settled_by_image(k):
    similarity, image = np.array([[0.5, 0.9, 0.5, 0.5]]), np.array([[4, 8, 2, 3]])
    np.testing.assert_array_equal(rank(similarity, image, k)[1], [[8, 2, 3, 4][:k]])


@pytest.fixture
def neighbors():
    return Neighbors(np.array([7, 9]), np.array([[1, 2], [3, -1]]), np.array([[0.5, 0.25], [1, np.nan]], np.float32))


def test_neighbors_are_loaded_as_saved_and_saved_to_the_same_bytes(neighbors, tmp_path):
    for name in ("a.npz", "b.npz"):
        save_neighbors(neighbors, tmp_path / name)
    loaded = load_neighbors(tmp_path / "a.npz", images=10)
    for name in ("query", "neighbor", "similarity"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(neighbors, name), strict=True)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def damaged(path):
    """Whether a file was set aside, so that the same command makes it again."""
    return not path.exists() and path.with_name(f"{path.name}.damaged").exists()


def test_a_file_of_neighbors_that_is_truncated_or_of_another_kind_is_set_aside(neighbors, tmp_path):
    path = tmp_path / "full.0.npz"
    save_neighbors(neighbors, path)
    whole = path.read_bytes()
    other = tmp_path / "other.npz"
    np.savez(other, query=neighbors.query)
    contents = [b"", b"no archive", whole[:-1], whole[: len(whole) // 2], whole.replace(b"\x07", b"\x08", 1)]
    for content in [*contents, other.read_bytes()]:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"full.0.npz: not a complete file of neighbors.*same command again"):
            load_neighbors(path)
        assert damaged(path)


def test_a_missing_file_of_neighbors_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        load_neighbors(tmp_path / "absent.npz")


def test_neighbors_of_another_manifest_or_of_mixed_shapes_are_set_aside(neighbors, tmp_path):
    path = tmp_path / "n.npz"
    save_neighbors(neighbors, path)
    with pytest.raises(InputError, match="past the manifest's 9 images"):
        load_neighbors(path, images=9)
    assert damaged(path)
    save_neighbors(Neighbors(neighbors.query[:1], neighbors.neighbor, neighbors.similarity), path)
    with pytest.raises(InputError, match="do not belong together"):
        load_neighbors(path)
    assert damaged(path)
