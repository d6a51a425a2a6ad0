"""Neighbors are those of a brute-force ranking in float64, with any threads, blocks and ties."""

from fractions import Fraction

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.errors import InputError
from cbir.retrieval.indexes import build_index
from cbir.retrieval.search import search
from cbir.retrieval.similarities import rounding_bound

SPLIT = 2000  # first row of the queries; the rows before it are index images


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def scattered(generator, images=2200, dimensions=40):
    return unit(generator.standard_normal((images, dimensions)))


def duplicated(generator):
    """Sixty distinct images, each about 35 times in random order: ties go far beyond every k and margin."""
    return scattered(generator, 60)[generator.integers(0, 60, 2200)]


def identical(generator):
    return np.repeat(scattered(generator, 1), 2200, axis=0)


def collapsed(generator):
    """All similarities differ by less than the bound of a float32 product, so faiss alone cannot order them."""
    return unit(np.ones(300) + 1e-4 * generator.standard_normal((2200, 300)))


EMBEDDINGS = [scattered, duplicated, identical, collapsed]


def rank(embeddings, index_rows, query_rows, k):
    """Brute force: float64 products rounded to float32, in a stable sort, so that ties keep the order of rows."""
    wide = embeddings.astype(np.float64)
    similarity = np.array([[np.dot(wide[q], wide[i]) for i in index_rows] for q in query_rows]).astype(np.float32)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return index_rows[order], np.take_along_axis(similarity, order, axis=1)


@pytest.mark.parametrize("make", EMBEDDINGS)
@pytest.mark.parametrize("k", [1, 10, 150])
def test_exact_search_is_the_brute_force_ranking_with_ties_by_row(make, k):
    generator = np.random.default_rng(0)
    embeddings = make(generator)
    index_rows = np.sort(generator.choice(SPLIT, 1200, replace=False))
    query_rows = np.arange(SPLIT, SPLIT + 40)
    index = build_index(embeddings, index_rows, "Flat", 1, 0)
    found = search(index, embeddings, query_rows, k)
    neighbor, similarity = rank(embeddings, index_rows, query_rows, k)
    np.testing.assert_array_equal(found.query, query_rows)
    np.testing.assert_array_equal(found.neighbor, neighbor)
    np.testing.assert_array_equal(found.similarity, similarity)
    assert (found.neighbor.dtype, found.similarity.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("make", EMBEDDINGS)
def test_threads_and_blocks_change_nothing(make):
    embeddings = make(np.random.default_rng(1))
    index = build_index(embeddings, np.arange(SPLIT), "Flat", 1, 0)
    query_rows = np.arange(SPLIT, SPLIT + 50)
    reference = search(index, embeddings, query_rows, 20)
    for block in (1, 7, 50):
        for threads in (1, 2):
            found = search(index, embeddings, query_rows, 20, threads=threads, block=block)
            np.testing.assert_array_equal(found.neighbor, reference.neighbor)
            np.testing.assert_array_equal(found.similarity, reference.similarity)


@given(
    codes=st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any), min_size=2, max_size=60),
    k=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_the_order_is_by_falling_similarity_then_by_row(codes, k):
    embeddings = unit(np.array(codes, dtype=np.float64))
    index_rows = np.arange(1, len(codes))
    k = min(k, len(index_rows))
    found = search(build_index(embeddings, index_rows, "Flat", 1, 0), embeddings, np.array([0]), k)
    products = [
        np.float32(float(sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(embeddings[0], row, strict=True))))
        for row in embeddings[1:]
    ]
    expected = sorted(index_rows, key=lambda row: (-products[row - 1], row))[:k]
    np.testing.assert_array_equal(found.neighbor[0], expected)


def test_permuting_the_index_images_permutes_the_neighbors():
    generator = np.random.default_rng(2)
    embeddings = scattered(generator)
    permutation = np.concatenate([generator.permutation(SPLIT), np.arange(SPLIT, 2200)])
    query_rows = np.arange(SPLIT, 2200)
    plain, permuted = (
        search(build_index(e, np.arange(SPLIT), "Flat", 1, 0), e, query_rows, 10)
        for e in (embeddings, embeddings[permutation])
    )
    np.testing.assert_array_equal(permutation[permuted.neighbor], plain.neighbor)


def test_queries_may_come_in_any_order_and_from_a_file(tmp_path):
    generator = np.random.default_rng(3)
    np.save(tmp_path / "e.npy", scattered(generator))
    embeddings = np.load(tmp_path / "e.npy", mmap_mode="r")
    index = build_index(embeddings, np.arange(SPLIT), "Flat", 1, 0)
    query_rows = generator.permutation(np.arange(SPLIT, 2200))
    found = search(index, embeddings, query_rows, 5)
    np.testing.assert_array_equal(found.query, query_rows)
    np.testing.assert_array_equal(found.neighbor, rank(np.array(embeddings), np.arange(SPLIT), query_rows, 5)[0])


def test_k_may_be_every_image_of_the_index_and_no_more():
    embeddings = scattered(np.random.default_rng(4))
    index = build_index(embeddings, np.arange(90), "Flat", 1, 0)
    assert set(search(index, embeddings, np.array([100]), 90).neighbor[0]) == set(range(90))
    with pytest.raises(InputError, match=r"search.k is 100, but the index holds 90 images; set search.k to 90"):
        search(index, embeddings, np.array([100]), 100)
    with pytest.raises(InputError, match=r"search\.k is 0"):
        search(index, embeddings, np.array([100]), 0)


@pytest.mark.parametrize("factory", ["HNSW16", "IVF8,Flat", "SQfp16", "PQ8x4"])
def test_an_approximate_index_ranks_as_faiss_does_with_ties_by_row(factory):
    embeddings = duplicated(np.random.default_rng(5))
    index_rows = np.arange(1, SPLIT, 2)
    index = build_index(embeddings, index_rows, factory, 1, 0)
    query_rows = np.arange(SPLIT, 2200)
    found = search(index, embeddings, query_rows, 30)
    similarity, neighbor = index.search(embeddings[query_rows], 30)
    np.testing.assert_array_equal(found.similarity, similarity)
    np.testing.assert_array_equal(np.sort(found.neighbor, axis=1), np.sort(neighbor, axis=1))
    ties = found.similarity[:, 1:] == found.similarity[:, :-1]
    assert (np.diff(found.neighbor, axis=1)[ties] > 0).all()


def test_places_that_an_approximate_index_does_not_fill_are_minus_one_without_a_similarity():
    embeddings = scattered(np.random.default_rng(6))
    index = build_index(embeddings, np.arange(400), "IVF16,Flat", 1, 0)
    found = search(index, embeddings, np.arange(SPLIT, 2200), 200)
    missing = found.neighbor == -1
    assert missing.any(axis=1).all()
    np.testing.assert_array_equal(missing, np.isnan(found.similarity))
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()


def test_search_parameters_reach_the_index():
    embeddings = scattered(np.random.default_rng(7))
    index_rows, query_rows = np.arange(400), np.arange(SPLIT, 2200)
    index = build_index(embeddings, index_rows, "IVF16,Flat", 1, 0)
    found = search(index, embeddings, query_rows, 10, parameters={"nprobe": 16})
    np.testing.assert_array_equal(found.neighbor, rank(embeddings, index_rows, query_rows, 10)[0])


def test_a_parameter_that_the_index_does_not_have_is_refused():
    embeddings = scattered(np.random.default_rng(8))
    index = build_index(embeddings, np.arange(400), "Flat", 1, 0)
    with pytest.raises(InputError, match="no search parameter nprobe"):
        search(index, embeddings, np.array([500]), 10, parameters={"nprobe": 16})


def test_the_float32_product_is_within_the_bound_that_settles_a_query():
    """Measured where it is tightest: with all terms of one sign."""
    generator = np.random.default_rng(9)
    for dimensions in (64, 2048):
        vectors = unit(np.abs(generator.standard_normal((3000, dimensions))))
        flat = faiss.IndexFlatIP(dimensions)
        flat.add(vectors)
        for queries in (vectors[:5], vectors[:100]):
            product, position = flat.search(queries, 3000)
            exact = np.take_along_axis(queries.astype(np.float64) @ vectors.astype(np.float64).T, position, axis=1)
            assert np.abs(product - exact).max() < rounding_bound(dimensions)
