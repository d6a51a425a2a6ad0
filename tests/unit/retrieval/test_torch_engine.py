"""The torch engine's candidates hold every nearest vector, ties included, and no rounding error exceeds its bound."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from cbir.errors import InputError
from cbir.retrieval import search as searching
from cbir.retrieval import torch_engine
from cbir.retrieval.indexes import build_index
from cbir.retrieval.search import choose_torch_device, search
from cbir.retrieval.similarities import rounding_bound
from cbir.retrieval.torch_engine import CROWDED, ROUNDED, _propose_by_float32, find_device, propose_candidates

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
    """Similar images next to each other, as they are when paths are sorted."""
    return unit(
        np.repeat(generator.standard_normal((8, 32)), (IMAGES + QUERIES) // 8, axis=0) + 0.3 * scattered(generator, 32)
    )


def exact_similarities(vectors, queries):
    return (queries.astype(np.float64) @ vectors.T.astype(np.float64)).astype(np.float32)


def propose_by_float32(vectors, queries, k, depth, threads, device):
    """The function that runs on a GPU, run by torch on the CPU."""
    return _propose_by_float32(vectors, queries, depth, torch.device("cpu"))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(torch_engine, "BLOCK", 64)
    monkeypatch.setattr(torch_engine, "CHUNK", 3)
    monkeypatch.setattr(torch_engine, "GPU_BLOCK", 700)


@pytest.fixture(params=["bfloat16", "float32"])
def product(request, monkeypatch):
    """Both products of the torch engine, that of a GPU included."""
    if request.param == "float32":
        monkeypatch.setattr(torch_engine, "propose_candidates", propose_by_float32)
    return request.param


@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("k", [1, 10, 60, 2000])
def test_bfloat16_candidates_hold_every_nearest_vector_and_its_ties(small_blocks, monkeypatch, make, threads, k):
    """With k = 2000 of 3000 the k-th similarity is below that of the center, so products are negative."""
    monkeypatch.setattr(torch_engine, "ROOM", IMAGES)
    embeddings = make(np.random.default_rng(0))
    vectors, queries = embeddings[:IMAGES], embeddings[-QUERIES:]
    position, left_out = propose_candidates(vectors, queries, k, k, threads, "cpu")
    similarity = exact_similarities(vectors, queries)
    floor = np.sort(similarity, axis=1)[:, -k]
    np.testing.assert_array_equal(left_out, np.full(QUERIES, -np.inf))
    for query in range(QUERIES):
        found = position[query][position[query] >= 0]
        assert (position[query, len(found) :] == -1).all()
        assert len(np.unique(found)) == len(found)
        assert np.isin(np.flatnonzero(similarity[query] >= floor[query]), found).all()


@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
@pytest.mark.parametrize("depth", [1, 26, 1000, IMAGES])
def test_float32_candidates_are_the_most_similar_vectors_within_the_rounding_bound(small_blocks, make, depth):
    embeddings = make(np.random.default_rng(0))
    vectors, queries = embeddings[:IMAGES], embeddings[-QUERIES:]
    position, left_out = propose_by_float32(vectors, queries, 1, depth, 1, "cuda")
    similarity = exact_similarities(vectors, queries)
    assert position.shape == (QUERIES, depth)
    for query in range(QUERIES):
        assert len(np.unique(position[query])) == depth
        others = np.delete(similarity[query], position[query])
        assert (others <= left_out[query] + rounding_bound(vectors.shape[1])).all()
    assert np.isneginf(left_out).all() == (depth == IMAGES)


@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
@pytest.mark.parametrize("k", [1, 10, 100, 1500])
def test_both_engines_give_the_same_neighbors(small_blocks, product, make, k):
    embeddings = make(np.random.default_rng(1))
    rows = np.arange(0, IMAGES, 2)
    index, queries = build_index(embeddings, rows, "Flat", 1, 0), np.arange(IMAGES, IMAGES + QUERIES)
    reference = search(index, embeddings, queries, k, engine="faiss")
    for threads, block in ((1, 4096), (2, 7)):
        found = search(index, embeddings, queries, k, block=block, threads=threads, engine="blocked")
        np.testing.assert_array_equal(found.neighbor, reference.neighbor, strict=True)
        np.testing.assert_array_equal(found.similarity, reference.similarity, strict=True)


@pytest.mark.parametrize("propose", [propose_candidates, propose_by_float32])
@given(
    codes=st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4).filter(any), min_size=3, max_size=80),
    noise=st.sampled_from([0, 1e-7, 1e-4, 1e-2]),
    k=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_both_engines_agree_on_near_and_exact_ties(propose, codes, noise, k, seed):
    generator = np.random.default_rng(seed)
    embeddings = unit(np.array(codes, float) + noise * generator.standard_normal((len(codes), 4)))
    index = build_index(embeddings, np.arange(len(codes)), "Flat", 1, 0)
    queries, k = np.arange(0, len(codes), 3), min(k, len(codes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_engine, "propose_candidates", propose)
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
def test_the_error_of_a_bfloat16_product_is_within_its_bound(dimensions, shift, spread, seed):
    generator = np.random.default_rng(seed)
    vectors = unit(shift + spread * generator.standard_normal((70, dimensions)) + 1e-30)
    queries = unit(generator.standard_normal((30, dimensions)) + shift)
    center = vectors.mean(axis=0)
    share, block = torch_engine._round_queries(queries), torch_engine._round_images(vectors, center, 0, 1)
    bits = torch_engine._multiply(share, block, torch.empty(30 * 70, dtype=torch.bfloat16))
    value = torch_engine._numbers(bits).astype(np.float64)
    error = np.abs(value - queries.astype(np.float64) @ (vectors.astype(np.float64) - center.astype(np.float64)).T)
    assert (error <= torch_engine._half_width(share, block)[:, None] + np.abs(value) * ROUNDED).all()


def test_blocks_hold_every_image_once():
    vectors = scattered(np.random.default_rng(0))
    images = [torch_engine._round_images(vectors, vectors[0], block, 7).image for block in range(7)]
    assert max(map(len, images)) <= torch_engine.RUN * -(-len(vectors) // (7 * torch_engine.RUN))
    np.testing.assert_array_equal(np.sort(np.concatenate(images)), np.arange(len(vectors)))


def test_faiss_takes_over_where_the_bound_excludes_too_little_for_many_queries():
    generator = np.random.default_rng(2)
    embeddings = unit(np.ones(100) + 1e-5 * generator.standard_normal((IMAGES + QUERIES, 100)))
    embeddings[: IMAGES // 2] = embeddings[0]
    assert propose_candidates(embeddings[:IMAGES], embeddings[-QUERIES:], 5, 5, 2, "cpu") is None
    index = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0)
    reference, found = (
        search(index, embeddings, np.arange(IMAGES, IMAGES + QUERIES), 5, engine=engine)
        for engine in ("faiss", "blocked")
    )
    np.testing.assert_array_equal(found.neighbor, reference.neighbor)


def test_a_crowded_query_has_no_candidates_but_the_same_neighbors(small_blocks):
    """One query stands in a crowd that bfloat16 cannot tell apart; the others do not."""
    embeddings = scattered(np.random.default_rng(3))
    crowd = slice(0, IMAGES // 5)
    embeddings[crowd] = unit(embeddings[0] + 1e-6 * scattered(np.random.default_rng(4))[crowd])
    embeddings[-1] = embeddings[0]
    position, left_out = propose_candidates(embeddings[:IMAGES], embeddings[-QUERIES:], 5, 5, 2, "cpu")
    assert (position[-1] == -1).all()
    assert (position[:-1, :5] >= 0).all()
    np.testing.assert_array_equal(left_out, [-np.inf] * (QUERIES - 1) + [np.inf])
    assert CROWDED * QUERIES >= 1
    index, queries = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0), np.arange(IMAGES, IMAGES + QUERIES)
    reference, found = (search(index, embeddings, queries, 5, threads=2, engine=e) for e in ("faiss", "blocked"))
    np.testing.assert_array_equal(found.neighbor, reference.neighbor)
    np.testing.assert_array_equal(found.similarity, reference.similarity)


def test_memory_follows_the_block_where_one_query_has_many_equal_images(monkeypatch):
    """Half of the images are copies of one query, which alone never fills the share's number of candidates."""
    monkeypatch.setattr(torch_engine, "BLOCK", 256)
    widths = []
    pad = torch_engine._pad

    def recorded(*arguments):
        widths.append(pad(*arguments).shape[1])
        return pad(*arguments)

    monkeypatch.setattr(torch_engine, "_pad", recorded)
    embeddings = scattered(np.random.default_rng(9))
    embeddings[: IMAGES // 2] = embeddings[-1]
    propose_candidates(embeddings[:IMAGES], embeddings[-QUERIES:], 5, 5, 1, "cpu")
    assert max(widths) <= torch_engine._room(5) + 256


class OnlyOn(TorchDispatchMode):
    """Fails as soon as torch makes a tensor on another device."""

    def __init__(self, device):
        super().__init__()
        self.device = device
        self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            assert tensor.device == self.device or function is torch.ops.aten.lift_fresh.default, function
        self.operations += 1
        return result


def test_the_product_of_a_gpu_stays_on_the_device_that_it_is_given():
    """On the device meta, torch follows shapes and devices without numbers; only the copy back to numpy must fail."""
    vectors = scattered(np.random.default_rng(5))
    with (
        pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"),
        OnlyOn(torch.device("meta")) as seen,
    ):
        _propose_by_float32(vectors, vectors[:9], 20, torch.device("meta"))
    assert seen.operations > 10


def test_the_device_reaches_the_product(monkeypatch):
    asked = []

    def propose(vectors, queries, depth, device):
        asked.append((device, depth, torch.get_float32_matmul_precision()))
        return _propose_by_float32(vectors, queries, depth, torch.device("cpu"))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    embeddings = scattered(np.random.default_rng(6))
    index = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0)
    before = torch.get_num_threads()
    torch.set_float32_matmul_precision("high")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(torch_engine, "_propose_by_float32", propose)
            for device in ("cuda", "auto"):
                search(index, embeddings, np.array([IMAGES]), 5, engine="blocked", device=device)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.get_num_threads() == before
    assert asked == [(torch.device("cuda"), 5 + searching.MARGIN, "highest")] * 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("make", [scattered, similar, duplicated, ordered])
def test_a_gpu_gives_the_same_neighbors(small_blocks, make):
    embeddings = make(np.random.default_rng(1))
    index, queries = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0), np.arange(IMAGES, IMAGES + QUERIES)
    reference = search(index, embeddings, queries, 50)
    found = search(index, embeddings, queries, 50, engine="blocked", device="cuda")
    np.testing.assert_array_equal(found.neighbor, reference.neighbor, strict=True)
    np.testing.assert_array_equal(found.similarity, reference.similarity, strict=True)


def test_a_missing_gpu_is_refused_and_auto_takes_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == find_device("cpu") == "cpu"
    embeddings = scattered(np.random.default_rng(7))
    index = build_index(embeddings, np.arange(IMAGES), "Flat", 1, 0)
    with pytest.raises(InputError, match=r"search\.device is cuda, but torch finds no CUDA device"):
        search(index, embeddings, np.array([IMAGES]), 5, engine="blocked", device="cuda")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [find_device(device) for device in ("cpu", "cuda", "auto")] == ["cpu", "cuda", "cuda"]


def test_auto_takes_the_torch_engine_for_long_searches_with_bfloat16_or_a_gpu(monkeypatch):
    small, large = (np.broadcast_to(np.float32(0), (images, 512)) for images in (90_000, 110_000))
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    native = "cpu" if re.search("avx512_bf16|amx_bf16", flags) else None
    assert choose_torch_device("auto", "cpu", 25_000, large, 100) == native
    assert choose_torch_device("auto", "cpu", 25_000, small, 10) == native
    assert choose_torch_device("auto", "cpu", 15_000, large, 100) is None
    assert choose_torch_device("auto", "cpu", 25_000, small, 100) is None
    assert choose_torch_device("blocked", "cpu", 1, small, 100) == "cpu"
    assert choose_torch_device("faiss", "cpu", 25_000, large, 10) is None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for device in ("cuda", "auto"):
        assert choose_torch_device("auto", device, 25_000, large, 100) == "cuda"
        assert choose_torch_device("auto", device, 15_000, large, 100) is None
        assert choose_torch_device("blocked", device, 1, small, 100) == "cuda"
        assert choose_torch_device("faiss", device, 25_000, large, 100) is None


@given(st.lists(st.floats(2.0**-100, 2, width=32), min_size=1, max_size=50))
def test_the_bits_of_a_floor_are_those_of_the_bfloat16_at_or_below_it(values):
    values = np.array(values, np.float32)
    below = torch.from_numpy(torch_engine._bits_at_most(values)).view(torch.bfloat16).double().numpy()
    assert (below <= values).all()
    assert (below >= values * (1 - 2.0**-7)).all()


def test_no_bits_are_below_those_of_a_floor_that_is_not_positive():
    values = np.array([0, -0.0, -1, -np.inf], np.float32)
    np.testing.assert_array_equal(torch_engine._bits_at_most(values), [-32768] * 4)


def test_bits_are_read_as_the_bfloat16_numbers_that_torch_reads_and_positive_ones_ascend():
    bits = np.arange(-(2**15), 2**15).astype(np.int16)
    numbers = torch_engine._numbers(bits)
    np.testing.assert_array_equal(numbers, torch.from_numpy(bits).view(torch.bfloat16).float().numpy())
    positive = numbers[bits >= 0]
    assert (np.diff(positive[~np.isnan(positive)]) > 0).all()
