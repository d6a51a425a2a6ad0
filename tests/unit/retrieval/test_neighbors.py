"""The neighbors that parts of an index give, merged, are those of the whole."""

import numpy as np
import pytest

from cbir.errors import InputError
from cbir.retrieval.indexes import build_index, part_rows
from cbir.retrieval.neighbors import Neighbors, merge_neighbors, rank
from cbir.retrieval.search import search

INDEX, IMAGES = 1500, 1560


def make_embeddings(distinct):
    """Some distinct unit vectors, repeated in no order, so that ties run across the parts."""
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
def test_merged_parts_are_the_unsharded_result_ties_included(distinct, parts, k):
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


def test_what_a_part_of_an_approximate_index_lacks_comes_last():
    merged = merge_neighbors(list(search_parts(make_embeddings(IMAGES), np.arange(400), 2, 150, "IVF16,Flat")), 150)
    missing = merged.neighbor == -1
    assert missing.any()
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()
    np.testing.assert_array_equal(missing, np.isnan(merged.similarity))
    found = merged.similarity[:, :-1] >= merged.similarity[:, 1:]
    assert (found | missing[:, 1:]).all()


def test_parts_searched_for_other_queries_are_refused():
    parts = [Neighbors(np.array([q]), np.array([[1]]), np.ones((1, 1), np.float32)) for q in (5, 6)]
    with pytest.raises(InputError, match="other queries"):
        merge_neighbors(parts, 1)


def test_parts_are_disjoint_nearly_equal_and_none_is_empty():
    rows = np.arange(100, 117)
    parts = [part_rows(rows, part, 5) for part in range(5)]
    np.testing.assert_array_equal(np.concatenate(parts), rows)
    assert {len(part) for part in parts} == {3, 4}
    with pytest.raises(InputError, match=r"search.index_shards is 18, but the index holds 17 images"):
        part_rows(rows, 0, 18)


@pytest.mark.parametrize("rows", [1, 40])
def test_a_rank_is_by_falling_similarity_then_by_image_with_what_was_not_found_last(rows):
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
