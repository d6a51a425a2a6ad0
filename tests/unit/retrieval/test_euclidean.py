"""Euclidean neighbors are those of scipy's float64 distances of the raw features, with any threads, blocks and ties."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from cbir.errors import InputError
from cbir.retrieval import search as searching
from cbir.retrieval.index_quality import recall_at_every_k, time_search
from cbir.retrieval.indexes import build_index, exact_vectors, part_rows, read_index, write_index
from cbir.retrieval.neighbors import load_neighbors, merge_neighbors, save_neighbors
from cbir.retrieval.search import search
from cbir.retrieval.similarities import EUCLIDEAN, distance_bound

SPLIT, IMAGES = 1500, 1540  # first row of the queries, and the end of them


@pytest.fixture(params=[1, 10**9], ids=["products", "differences"], autouse=True)
def formula(request, monkeypatch):
    """faiss takes distances by norms and products in large searches, and by sums of squared differences in others."""
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", request.param)
    return request.param


def split_norms(features):
    """Embeddings of unit norm, and the norms that give the features back."""
    norms = np.linalg.norm(features.astype(np.float64), axis=1)
    return (features / norms[:, None]).astype(np.float32), norms.astype(np.float32)


def scattered(generator, images=IMAGES, dimensions=40):
    return generator.standard_normal((images, dimensions)) * generator.uniform(1, 20, (images, 1))


def duplicated(generator):
    """Sixty distinct images, each about 25 times in random order: ties go far beyond every k and margin."""
    return scattered(generator, 60)[generator.integers(0, 60, IMAGES)]


def collapsed(generator):
    """Norms of 1,000 and distances below 1, which float32 sums of squares cannot tell apart."""
    return 50 + 0.01 * generator.standard_normal((IMAGES, 400))


def with_an_outlier(generator):
    features = scattered(generator)
    features[7] *= 1e6
    return features


def tiny(generator):
    return scattered(generator) * 1e-21  # squares are below the smallest float32


def huge(generator):
    return scattered(generator) * 1e20  # squares are above the greatest float32


def nearly_huge(generator):
    """The sum of two squared norms is above the greatest float32 for near pairs of long vectors, and for them only."""
    directions = 1 + 0.1 * generator.standard_normal((IMAGES, 400))
    return directions / 20 * generator.uniform(0.5, 1.5, (IMAGES, 1)) * 1e19


FEATURES = [scattered, duplicated, collapsed, with_an_outlier, tiny, huge, nearly_huge]


def rank(features, index_rows, query_rows, k):
    """scipy's distances in float64 rounded to float32, in a stable sort, so that ties keep the order of rows."""
    distance = cdist(features[query_rows].astype(np.float64), features[index_rows].astype(np.float64))
    distance = distance.astype(np.float32)
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return index_rows[order], np.take_along_axis(distance, order, axis=1)


@pytest.mark.parametrize("make", FEATURES)
@pytest.mark.parametrize("k", [1, 10, 150])
def test_exact_search_is_the_ranking_by_distance_with_ties_by_row(make, k):
    generator = np.random.default_rng(0)
    embeddings, norms = split_norms(make(generator))
    index_rows = np.sort(generator.choice(SPLIT, 1200, replace=False))
    query_rows = np.arange(SPLIT, IMAGES)
    index = build_index(embeddings, index_rows, "Flat", 1, 0, norms)
    found = search(index, embeddings, query_rows, k, norms=norms)
    neighbor, distance = rank(embeddings * norms[:, None], index_rows, query_rows, k)
    np.testing.assert_array_equal(found.neighbor, neighbor)
    np.testing.assert_array_equal(-found.similarity, distance)
    assert (found.neighbor.dtype, found.similarity.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("make", FEATURES)
def test_threads_blocks_and_engines_change_nothing(make):
    embeddings, norms = split_norms(make(np.random.default_rng(1)))
    index = build_index(embeddings, np.arange(SPLIT), "Flat", 1, 0, norms)
    query_rows = np.arange(SPLIT, IMAGES)
    reference = search(index, embeddings, query_rows, 20, norms=norms)
    for options in ({"block": 1}, {"block": 7, "threads": 2}, {"threads": 2}, {"engine": "blocked"}):
        found = search(index, embeddings, query_rows, 20, norms=norms, **options)
        np.testing.assert_array_equal(found.neighbor, reference.neighbor)
        np.testing.assert_array_equal(found.similarity, reference.similarity)


@given(
    codes=st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any), min_size=2, max_size=60),
    k=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_the_order_is_by_rising_distance_then_by_row(codes, k):
    embeddings, norms = split_norms(np.array(codes, dtype=np.float64))
    features = embeddings * norms[:, None]
    index_rows = np.arange(1, len(codes))
    k = min(k, len(index_rows))
    index = build_index(embeddings, index_rows, "Flat", 1, 0, norms)
    found = search(index, embeddings, np.array([0]), k, norms=norms)
    distance = {row: np.float32(sum((features[row].astype(float) - features[0]) ** 2) ** 0.5) for row in index_rows}
    np.testing.assert_array_equal(found.neighbor[0], sorted(index_rows, key=lambda row: (distance[row], row))[:k])


def test_cosine_and_distance_order_images_differently():
    """On paper: (4, 0) has the direction of (1, 0) at distance 3; (1, 1) is at 45° and at distance 1."""
    embeddings, norms = split_norms(np.array([[4.0, 0.0], [1.0, 1.0], [1.0, 0.0]]))
    rows, query = np.array([0, 1]), np.array([2])
    cosine = search(build_index(embeddings, rows, "Flat", 1, 0), embeddings, query, 2)
    distance = search(build_index(embeddings, rows, "Flat", 1, 0, norms), embeddings, query, 2, norms=norms)
    assert (cosine.neighbor.tolist(), distance.neighbor.tolist()) == ([[0, 1]], [[1, 0]])
    np.testing.assert_allclose(cosine.similarity, [[1, 0.5**0.5]], rtol=1e-6)
    np.testing.assert_allclose(distance.similarity, [[-1, -3]], rtol=1e-6)


def test_unit_features_have_the_same_order_by_both():
    embeddings, _ = split_norms(scattered(np.random.default_rng(2)))
    norms, rows, queries = np.ones(IMAGES, np.float32), np.arange(SPLIT), np.arange(SPLIT, IMAGES)
    cosine = search(build_index(embeddings, rows, "Flat", 1, 0), embeddings, queries, 10)
    distance = search(build_index(embeddings, rows, "Flat", 1, 0, norms), embeddings, queries, 10, norms=norms)
    np.testing.assert_array_equal(cosine.neighbor, distance.neighbor)


@pytest.mark.parametrize("make", [scattered, duplicated])
@pytest.mark.parametrize(("parts", "k"), [(2, 10), (7, 300)])
def test_merged_parts_are_the_neighbors_in_the_whole_index_ties_included(make, parts, k, tmp_path):
    embeddings, norms = split_norms(make(np.random.default_rng(3)))
    rows, queries = np.arange(0, SPLIT, 2), np.arange(SPLIT, IMAGES)
    whole = search(build_index(embeddings, rows, "Flat", 1, 0, norms), embeddings, queries, k, norms=norms)
    for part in range(parts):
        index = build_index(embeddings, part_rows(rows, part, parts), "Flat", 1, 0, norms)
        found = search(index, embeddings, queries, min(k, index.ntotal), norms=norms)
        save_neighbors(found, tmp_path / f"{part}.npz")
    merged = merge_neighbors([load_neighbors(tmp_path / f"{part}.npz", IMAGES) for part in range(parts)], k)
    for name in ("query", "neighbor", "similarity"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name), strict=True)


def test_few_queries_of_usual_features_need_a_scan_and_all_collapsed_ones_do(monkeypatch):
    scanned = []

    def scan(vectors, queries, *others):
        scanned.append(len(queries))
        return original(vectors, queries, *others)

    original = searching._scan
    monkeypatch.setattr(searching, "_scan", scan)
    for make in (scattered, with_an_outlier, collapsed):
        embeddings, norms = split_norms(make(np.random.default_rng(4)))
        index = build_index(embeddings, np.arange(SPLIT), "Flat", 1, 0, norms)
        search(index, embeddings, np.arange(SPLIT, IMAGES), 10, norms=norms)
    assert scanned == [0, 0, IMAGES - SPLIT]


@pytest.mark.parametrize("dimensions", [64, 2048])
def test_the_float32_squares_are_within_the_bound_that_settles_a_query(formula, dimensions):
    """Measured where it is tightest: long features close to one another, with all terms of one sign."""
    generator = np.random.default_rng(5)
    features = (100 + np.abs(generator.standard_normal((1000, dimensions)))).astype(np.float32)
    flat = faiss.IndexFlatL2(dimensions)
    flat.add(features)
    squared, position = flat.search(features[:50], 1000)
    wide = features.astype(np.float64)
    distance = np.take_along_axis(cdist(wide[:50], wide), position, axis=1)
    error = np.abs(squared - distance**2).max(axis=1)
    bound = distance_bound(np.linalg.norm(wide[:50], axis=1), distance.max(axis=1), dimensions, 2.0**-24)
    assert (error < bound).all()
    assert formula > 1 or error.max() > 0.01


@pytest.mark.parametrize("factory", ["HNSW16", "IVF8,Flat", "SQfp16", "PQ8x4"])
def test_an_approximate_index_ranks_as_faiss_does_with_ties_by_row(factory):
    embeddings, norms = split_norms(duplicated(np.random.default_rng(6)))
    index_rows, query_rows = np.arange(1, SPLIT, 2), np.arange(SPLIT, IMAGES)
    index = build_index(embeddings, index_rows, factory, 1, 0, norms)
    found = search(index, embeddings, query_rows, 30, norms=norms)
    squared, _ = index.search((embeddings * norms[:, None])[query_rows], 30)
    expected = np.where(squared < np.finfo(np.float32).max, -np.sqrt(squared.clip(0)), np.nan)  # faiss's mark for none
    np.testing.assert_allclose(found.similarity, expected, rtol=1e-6)
    ties = found.similarity[:, 1:] == found.similarity[:, :-1]
    assert (np.diff(found.neighbor, axis=1)[ties] > 0).all()


def test_the_recall_and_speed_of_an_approximate_index_are_measured(tmp_path):
    embeddings, norms = split_norms(scattered(np.random.default_rng(7)))
    rows, queries = np.arange(SPLIT), np.arange(SPLIT, IMAGES)
    exact = search(build_index(embeddings, rows, "Flat", 1, 0, norms), embeddings, queries, 10, norms=norms)
    index = build_index(embeddings, rows, "IVF16,Flat", 1, 0, norms)
    write_index(index, tmp_path / "ivf.faiss")
    one, all_cells = (search(index, embeddings, queries, 10, parameters={"nprobe": n}, norms=norms) for n in (1, 16))
    assert recall_at_every_k(one, exact)[-1] < 1
    assert recall_at_every_k(all_cells, exact)[-1] == 1
    speed = time_search([tmp_path / "ivf.faiss"], embeddings, queries, 10, 1, {"nprobe": 2}, "auto", norms=norms)
    assert all(value > 0 for value in speed.values())


def test_an_index_holds_the_raw_features_and_is_refused_without_their_norms(tmp_path):
    embeddings, norms = split_norms(scattered(np.random.default_rng(8)))
    np.save(tmp_path / "e.npy", embeddings)
    mapped, rows = np.load(tmp_path / "e.npy", mmap_mode="r"), np.arange(0, SPLIT, 3)
    index = build_index(mapped, rows, "Flat", 1, 0, norms)
    np.testing.assert_array_equal(exact_vectors(index), (embeddings * norms[:, None])[rows])
    write_index(index, tmp_path / "index.faiss")
    assert read_index(tmp_path / "index.faiss", mapped, norms).metric_type == EUCLIDEAN.metric
    with pytest.raises(ValueError, match="not by inner product"):
        search(index, mapped, np.array([SPLIT]), 1)
    with pytest.raises(InputError, match="not one by inner product with manifest rows"):
        read_index(tmp_path / "index.faiss", mapped)
    write_index(build_index(mapped, rows, "Flat", 1, 0), tmp_path / "cosine.faiss")
    with pytest.raises(InputError, match="not one by Euclidean distance with manifest rows"):
        read_index(tmp_path / "cosine.faiss", mapped, norms)
