"""Retrieval: the nearest index images of each query, in an order that nothing but the embeddings decides."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np

from cbir.errors import InputError
from cbir.retrieval.indexes import copy_rows, exact_vectors, indexed_rows
from cbir.retrieval.neighbors import Neighbors, rank

BLOCK = 4096  # queries at a time; faiss's own block
MARGIN = 16  # candidates past k that are ranked anew, so that few queries need a second look
WORTHWHILE_IMAGES = 1000  # times k; with fewer, ranking takes too much of a search for a faster product to show
WORTHWHILE_TERMS = 1e12  # products of numbers of a query and an image; with fewer, starting torch takes what is won
MULTIPLIED = 4096  # index images at a time in faiss's product: with a block of queries, 64 MB
FETCHED = 2**18  # numbers of candidates, 1 MB, fetched from memory at a time
SCANNED = 2048  # index images at a time in that second look


def search(
    index: faiss.IndexIDMap,
    embeddings: np.ndarray,
    query_rows: np.ndarray,
    k: int,
    block: int = BLOCK,
    threads: int = 1,
    parameters: dict[str, int] | None = None,
    engine: str = "faiss",
) -> Neighbors:
    """Search an index for the k nearest images of each query, block by block.

    embeddings: (n, d) float32 of unit norm, memory-mapped. query_rows: (queries,) int64. parameters: faiss search
    parameters such as nprobe or efSearch. engine: faiss, blocked (candidates.py, which pays in long searches) or
    auto, which takes the one that is faster; an exact search gives the same by either.

    An exact index gives the k images of the greatest similarity, where similarity is the inner product summed in
    float64 and rounded to float32, ties by manifest row: the result depends on neither threads nor blocks. An
    approximate index gives what it finds by the similarities that it estimates, ties among that by manifest row.
    Raises InputError where k exceeds the images of the index and for parameters that the index doesn't have.
    """
    if not 1 <= k <= index.ntotal:
        raise InputError(
            f"search.k is {k}, but the index holds {index.ntotal} images; "
            f"set search.k to {index.ntotal} or less, or leave out the smaller index_sizes"
        )
    faiss.omp_set_num_threads(threads)
    _set_parameters(index, parameters or {})
    rows, vectors = indexed_rows(index), exact_vectors(index)
    blocked = vectors is not None and _takes_blocked(engine, len(query_rows), vectors, k)
    neighbor = np.empty((len(query_rows), k), np.int64)
    similarity = np.empty((len(query_rows), k), np.float32)
    for start in range(0, len(query_rows), block):
        part = slice(start, start + block)
        queries = copy_rows(embeddings, query_rows[part])
        if vectors is None:
            similarity[part], position = _search_approximate(index.index, queries, k)
        else:
            similarity[part], position = _search_exact(index.index, vectors, queries, k, threads, blocked)
        neighbor[part] = np.where(position < 0, -1, rows[position])
    return Neighbors(np.asarray(query_rows, np.int64), neighbor, similarity)


def _set_parameters(index: faiss.Index, parameters: dict[str, int]) -> None:
    for name, value in parameters.items():
        try:
            faiss.ParameterSpace().set_index_parameter(index, name, value)
        except RuntimeError as error:
            raise InputError(f"indexes: this kind of index has no search parameter {name}; leave it out") from error


def _takes_blocked(engine: str, queries: int, vectors: np.ndarray, k: int) -> bool:
    """Whether an exact search takes the blocked engine: auto wants the processor's own bfloat16 and enough to do."""
    if engine == "auto":
        processor = Path("/proc/cpuinfo")
        native = processor.exists() and re.search(r"\b(avx512_bf16|amx_bf16)\b", processor.read_text())
        return bool(native) and len(vectors) >= WORTHWHILE_IMAGES * k and queries * vectors.size >= WORTHWHILE_TERMS
    return engine == "blocked"


def _search_exact(
    index: faiss.Index, vectors: np.ndarray, queries: np.ndarray, k: int, threads: int, blocked: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and positions, (queries, k) each, of the nearest vectors.

    Some more than k are found by a float32 product, whose last bits depend on blocks and threads, and ranked anew by
    `pair_similarities`. A float32 inner product of d terms, summed in any order, is off by at most
    d u / (1 - d u) |q| |x| with u = 2^-24 (Higham 2002, "Accuracy and Stability of Numerical Algorithms", eq. 3.5), and
    rounding the float64 sum adds u. So what was not found is below the last product + bound; where that doesn't
    exclude it from the first k, ties included, the query is scanned anew in float64. By the same bound what is found
    more than twice as far below the k-th product is less similar than k others.
    """
    images, dimensions = vectors.shape
    depth = min(k + MARGIN, images)
    bound = 1.01 * (dimensions + 2) * 2.0**-24  # 1.01 for 1 / (1 - d u) and what |q| |x| may exceed 1
    found = _multiply_candidates(vectors, queries, k, depth, threads) if blocked else None
    product, position = found or _multiply_all(index, queries, depth)
    near = np.count_nonzero(product >= product[:, k - 1 : k] - 2 * bound, axis=1).max()  # products fall along a row
    position = position[:, :near]
    similarity, position = rank(_similarities(vectors, queries, position, threads), position, k)
    if depth < images:
        unsettled = np.flatnonzero(product[:, -1] + bound >= similarity[:, -1])
        similarity[unsettled], position[unsettled] = _scan(vectors, queries[unsettled], similarity[unsettled, -1], k)
    return similarity, position


def _multiply_all(index: faiss.Index, queries: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """The greatest products, falling along a row, and their positions, (queries, depth) each."""
    with _multiplied_blocks():
        return index.search(queries, depth)


def _multiply_candidates(
    vectors: np.ndarray, queries: np.ndarray, k: int, depth: int, threads: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """As `_multiply_all`, of the candidates that bfloat16 leaves; None where it leaves too many.

    Position -1 and the least float32 follow the last candidate of a query; they are all of a crowded one.
    """
    from cbir.retrieval.candidates import (
        find_candidates,  # torch takes two seconds to start, which only a long search earns
    )

    candidates = find_candidates(vectors, queries, k, threads)
    if candidates is None:
        return None
    product, position = np.empty((len(queries), depth), np.float32), np.empty((len(queries), depth), np.int64)
    (images, dimensions), (number, widest) = vectors.shape, candidates.shape
    faiss.knn_inner_products_by_idx(
        *(faiss.swig_ptr(array) for array in (queries, vectors, candidates)),
        *(dimensions, number, images, widest, depth),
        *(faiss.swig_ptr(array) for array in (product, position)),
        widest,  # numbers from one row of candidates to the next
    )
    return product, position


@contextmanager
def _multiplied_blocks() -> Iterator[None]:
    """Let faiss multiply MULTIPLIED index images at a time, for a block of queries; its own 1,024 waste a tenth."""
    own = faiss.cvar.distance_compute_blas_database_bs
    faiss.cvar.distance_compute_blas_database_bs = MULTIPLIED
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_database_bs = own


def pair_similarities(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The similarities of queries, float64 (..., d), and vectors, (..., d): summed in float64, rounded to float32.

    Each pair is summed by itself in one fixed order, so equal vectors have equal similarities wherever they stand; a
    matrix product doesn't promise that.
    """
    return np.vecdot(vectors.astype(np.float64, copy=False), query).astype(np.float32)


def _similarities(vectors: np.ndarray, queries: np.ndarray, position: np.ndarray, threads: int) -> np.ndarray:
    """The similarities of queries, (queries, d), and the vectors at position, (queries, near); -inf where it is -1."""
    similarity = np.empty(position.shape, np.float32)
    queries = queries.astype(np.float64)
    step = max(1, FETCHED // (position.shape[1] * vectors.shape[1]))

    def fill(part: np.ndarray) -> None:
        for start in range(0, len(part), step):
            query = part[start : start + step]
            near = position[query]
            vectors[near, 0]  # a number of each, so that the waits for pages all over memory overlap
            similarity[query] = pair_similarities(vectors.take(near, axis=0), queries[query, None])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, np.array_split(np.arange(len(queries)), threads)))
    similarity[position < 0] = -np.inf
    return similarity


def _scan(vectors: np.ndarray, queries: np.ndarray, floor: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and positions, (queries, k) each, of the nearest vectors, by a float64 product over all of them.

    floor: (queries,) what the k-th similarity reaches at least. A float64 product is within 1e-10 of the sum that
    `pair_similarities` rounds by at most 2^-24, so only what comes within 2^-23 of the floor is computed by it.
    """
    queries, floor = queries.astype(np.float64), floor.astype(np.float64)
    similarity = np.full((len(queries), k), -np.inf, np.float32)
    position = np.full((len(queries), k), len(vectors))
    for start in range(0, len(vectors) if len(queries) else 0, SCANNED):
        block = vectors[start : start + SCANNED].astype(np.float64)
        reached = queries @ block.T >= (floor - 2.0**-23)[:, None]
        for query in np.flatnonzero(reached.any(axis=1)):
            found = np.flatnonzero(reached[query])
            candidates = np.append(similarity[query], pair_similarities(block[found], queries[query]))
            similarity[query], position[query] = rank(candidates, np.append(position[query], start + found), k)
            floor[query] = max(floor[query], similarity[query, -1])
    return similarity, position


def _search_approximate(index: faiss.Index, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and positions, (queries, k) each, as an approximate index estimates them; NaN and -1 for none."""
    similarity, position = index.search(queries, k)
    similarity[position < 0] = np.nan
    return rank(similarity, position, k)
