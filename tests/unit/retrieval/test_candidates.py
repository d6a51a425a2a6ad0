"""Candidates hold every nearest vector, ties included, and the bound that settles this is never exceeded."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cbir.retrieval.candidates
from cbir.retrieval.candidates import CROWDED, ROUNDED, _bits_below, _Images, _orderly, _Share, _values, find_candidates
from cbir.retrieval.indexes import build_index
from cbir.retrieval.search import _takes_blocked, search

IMAGES, QUERIES = 3000, 40


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def scattered(generator, dimensions=48):
    return unit(generator.standard_normal((IMAGES + QUERIES, dimensions)))


def similar(generator):
    """Cosines around 0.9, as encoders of medical images give them."""
    return unit(3 + generator.standard_normal((IMAGES + QUERIES, 64)))


def duplicated(generator):
    return scattered(generator)[generator.integers(0, 200, IMAGES + QUERIES)]


def ordered(generator):
    """Each group of alike images together, as sorted paths put them."""
    return unit(
        np.repeat(generator.standard_normal((8, 32)), (IMAGES + QUERIES) // 8, axis=0) + 0.3 * scattered(generator, 32)
    )


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(cbir.retrieval.candidates, "BLOCK", 64)
    monkeypatch.setattr(cbir.retrieval.candidates, "CHUNK", 3)


@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("k", [1, 10, 60])
def test_candidates_hold_every_nearest_vector_and_its_ties(small_blocks, monkeypatch, make, threads, k):
    monkeypatch.setattr(cbir.retrieval.candidates, "ROOM", IMAGES)
    embeddings = make(np.random.default_rng(0))
    vectors, queries = embeddings[:IMAGES], embeddings[-QUERIES:]
    position = find_candidates(vectors, queries, k, threads)
    similarity = (queries.astype(np.float64) @ vectors.T.astype(np.float64)).astype(np.float32)
    floor = np.sort(similarity, axis=1)[:, -k]
    for query in range(QUERIES):
        found = position[query][position[query] >= 0]
        assert (position[query, len(found) :] == -1).all()
        assert len(np.unique(found)) == len(found)
        assert np.isin(np.flatnonzero(similarity[query] >= floor[query]), found).all()


@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_both_engines_give_the_same_neighbors(small_blocks, make, k):
    embeddings = make(np.random.default_rng(1))
    rows = np.arange(0, IMAGES, 2)
    index, queries = build_index(embeddings, rows, "Flat", 1, 0), np.arange(IMAGES, IMAGES + QUERIES)
    reference = search(index, embeddings, queries, k, engine="faiss")
    for threads, block in ((1, 4096), (2, 7)):
        found = search(index, embeddings, queries, k, block=block, threads=threads, engine="blocked")
        np.testing.assert_array_equal(found.neighbor, reference.neighbor, strict=True)
        np.testing.assert_array_equal(found.similarity, reference.similarity, strict=True)


@given(
    codes=st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any), min_size=3, max_size=80),
    noise=st.sampled_from([0, 1e-7, 1e-4, 1e-2]),
    k=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_both_engines_agree_on_near_and_exact_ties(codes, noise, k, seed):
    generator = np.random.default_rng(seed)
    embeddings = unit(np.array(codes, float) + noise * generator.standard_normal((len(codes), 4)))
    index = build_index(embeddings, np.arange(len(codes)), "Flat", 1, 0)
    queries, k = np.arange(0, len(codes), 3), min(k, len(codes))
    reference, found = (search(index, embeddings, queries, k, engine=engine) for engine in ("faiss", "blocked"))
    np.testing.assert_array_equal(found.neighbor, reference.neighbor)
    np.testing.assert_array_equal(found.similarity, reference.similarity)


@given(
    dimensions=st.integers(1, 300),
    shift=st.sampled_from([0, 1, 10]),
    spread=st.sampled_from([1, 1e-3, 1e-6]),
    seed=st.integers(0, 9999),
)
@settings(max_examples=200, deadline=None)
def test_a_product_is_within_its_bound(dimensions, shift, spread, seed):
    generator = np.random.default_rng(seed)
    vectors = unit(shift + spread * generator.standard_normal((70, dimensions)) + 1e-30)
    queries = unit(generator.standard_normal((30, dimensions)) + shift)
    images, share = _Images(vectors), _Share(queries, 1)
    value = _values(share._multiply(images.round(0))).astype(np.float64)
    relative = vectors.astype(np.float64) - images.center.double().numpy()
    error = np.abs(value - queries.astype(np.float64) @ relative.T)
    assert (error <= share.width[:, None] + np.abs(value) * ROUNDED).all()


def test_no_more_candidates_are_kept_than_pay_and_faiss_takes_over():
    generator = np.random.default_rng(2)
    embeddings = unit(np.ones(100) + 1e-5 * generator.standard_normal((IMAGES + QUERIES, 100)))
    embeddings[: IMAGES // 2] = embeddings[0]
    assert find_candidates(embeddings[:IMAGES], embeddings[-QUERIES:], 5, 2) is None
    index = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0)
    reference, found = (
        search(index, embeddings, np.arange(IMAGES, IMAGES + QUERIES), 5, engine=engine)
        for engine in ("faiss", "blocked")
    )
    np.testing.assert_array_equal(found.neighbor, reference.neighbor)


def test_a_crowded_query_has_no_candidates_but_the_same_neighbors(small_blocks):
    """One query stands in a crowd that bfloat16 can't tell apart; the others don't."""
    embeddings = scattered(np.random.default_rng(3))
    crowd = slice(0, IMAGES // 5)
    embeddings[crowd] = unit(embeddings[0] + 1e-6 * scattered(np.random.default_rng(4))[crowd])
    embeddings[-1] = embeddings[0]
    position = find_candidates(embeddings[:IMAGES], embeddings[-QUERIES:], 5, 2)
    assert (position[-1] == -1).all()
    assert (position[:-1, :5] >= 0).all()
    assert CROWDED * QUERIES >= 1
    index, queries = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0), np.arange(IMAGES, IMAGES + QUERIES)
    reference, found = (search(index, embeddings, queries, 5, threads=2, engine=e) for e in ("faiss", "blocked"))
    np.testing.assert_array_equal(found.neighbor, reference.neighbor)
    np.testing.assert_array_equal(found.similarity, reference.similarity)


def test_auto_takes_bfloat16_for_long_searches_of_large_indexes_where_the_processor_has_it():
    small, large = (np.broadcast_to(np.float32(0), (images, 512)) for images in (90_000, 110_000))
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    native = re.search("avx512_bf16|amx_bf16", flags) is not None
    assert _takes_blocked("auto", 25_000, large, 100) == native
    assert _takes_blocked("auto", 25_000, small, 10) == native
    assert not _takes_blocked("auto", 15_000, large, 100)
    assert not _takes_blocked("auto", 25_000, small, 100)
    assert _takes_blocked("blocked", 1, small, 100)
    assert not _takes_blocked("faiss", 25_000, large, 10)


@given(st.lists(st.floats(2.0**-100, 2, width=32), min_size=1, max_size=50))
def test_the_bits_of_a_floor_are_those_of_the_bfloat16_at_or_below_it(values):
    values = np.array(values, np.float32)
    below = torch.from_numpy(_bits_below(values)).view(torch.bfloat16).double().numpy()
    assert (below <= values).all()
    assert (below >= values * (1 - 2.0**-7)).all()


def test_nothing_is_below_the_bits_of_a_floor_that_is_not_positive():
    np.testing.assert_array_equal(_bits_below(np.array([0, -0.0, -1, -np.inf], np.float32)), [-32768] * 4)


def test_orderly_bits_order_as_the_numbers_do():
    bits = np.arange(-(2**15), 2**15).astype(np.int16)
    value = _values(bits)
    bits, value = bits[~np.isnan(value)], value[~np.isnan(value)]
    assert (np.diff(value[np.argsort(_orderly(bits))]) >= 0).all()
    np.testing.assert_array_equal(_orderly(_orderly(bits)), bits)
    np.testing.assert_array_equal(value, torch.from_numpy(bits).view(torch.bfloat16).float().numpy())
