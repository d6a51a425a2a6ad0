"""Search: the nearest index images of each query, in an order that nothing but the embeddings decides."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np

from cbir.blocks import blocks
from cbir.errors import InputError
from cbir.retrieval.indexes import copy_rows, exact_vectors, indexed_rows
from cbir.retrieval.neighbors import Neighbors, rank
from cbir.retrieval.similarities import COSINE, Similarity, choose_similarity

BLOCK = 4096  # queries per block, which is also faiss's own block size
MARGIN = 16  # candidates taken in addition to k, so that few queries need a scan of all vectors
LONG_IMAGES = 1000  # times k: index images from which on a faster product outweighs the ranking of candidates
LONG_PRODUCTS = 1e12  # multiplications (queries x images x dimensions) from which on starting torch pays off
SCANNED = 2048  # index images per block when a query is compared with all vectors


def search(
    index: faiss.IndexIDMap,
    embeddings: np.ndarray,
    query_rows: np.ndarray,
    k: int,
    block: int = BLOCK,
    threads: int = 1,
    parameters: dict[str, int] | None = None,
    engine: str = "faiss",
    device: str = "cpu",
    norms: np.ndarray | None = None,
) -> Neighbors:
    """Search an index for the k nearest images of each query, block by block.

    embeddings: (n, d) float32 of unit norm, memory-mapped. query_rows: (queries,) int64. parameters: faiss search
    parameters such as nprobe or efSearch. engine: "faiss"; "blocked", the torch engine, which is faster in long exact
    searches; or "auto", which takes the faster of both. device: where the torch engine multiplies, "cpu", "cuda" or
    "auto", which takes CUDA where there is one. Engine and device do not change the result of an exact search. norms:
    (n,) float32 of the raw features, for an index that was built with them.

    An exact index gives the k images of the greatest similarity. The similarity is the inner product; with norms, it is
    the negative Euclidean distance of the raw features. Both are summed in float64 and rounded to float32. Images with
    equal similarities are in the order of their manifest rows, so the result depends on neither threads nor blocks. An
    approximate index gives the images that it finds, by the similarities that it estimates, with the same order among
    equal ones. The torch engine only multiplies, so faiss does all searches by distance.

    Raises InputError where k exceeds the number of images in the index, for parameters that the index does not have,
    and where the torch engine is to use CUDA but there is none.

    >>> from cbir.retrieval.indexes import build_index
    >>> embeddings = np.eye(4, dtype=np.float32)[[0, 1, 2, 1]]
    >>> index = build_index(embeddings, np.arange(3), "Flat", threads=1, seed=0)
    >>> search(index, embeddings, np.array([3]), k=2).neighbor
    array([[1, 0]])
    """
    if not 1 <= k <= index.ntotal:
        raise InputError(
            f"search.k is {k}, but the index holds {index.ntotal} images; "
            f"set search.k to {index.ntotal} or less, or leave out the smaller index_sizes"
        )
    similarities = choose_similarity(norms)
    if index.metric_type != similarities.metric:
        raise ValueError(f"the index is not by {similarities.name}; give norms to both build_index and search or none")
    faiss.omp_set_num_threads(threads)
    _set_parameters(index, parameters or {})
    rows, vectors = indexed_rows(index), exact_vectors(index)
    torch_device = None
    if vectors is not None and similarities is COSINE:
        torch_device = choose_torch_device(engine, device, len(query_rows), vectors, k)
    neighbor = np.empty((len(query_rows), k), np.int64)
    similarity = np.empty((len(query_rows), k), np.float32)
    for part in blocks(len(query_rows), block):
        queries = copy_rows(embeddings, query_rows[part], norms)
        if vectors is None:
            similarity[part], position = _search_approximate(index.index, queries, k, similarities)
        else:
            similarity[part], position = search_exact(
                index.index, vectors, queries, k, similarities, threads, torch_device
            )
        neighbor[part] = np.where(position < 0, -1, rows[position])
    return Neighbors(np.asarray(query_rows, np.int64), neighbor, similarity)


def _set_parameters(index: faiss.Index, parameters: dict[str, int]) -> None:
    for name, value in parameters.items():
        try:
            faiss.ParameterSpace().set_index_parameter(index, name, value)
        except RuntimeError as error:
            raise InputError(f"indexes: this kind of index has no search parameter {name}; leave it out") from error


def choose_torch_device(engine: str, device: str, queries: int, vectors: np.ndarray, k: int) -> str | None:
    """Where the torch engine multiplies in an exact search, "cpu" or "cuda"; None where faiss is to multiply instead.

    engine "auto" takes the torch engine for long searches, on a GPU or on a processor with bfloat16 instructions.
    vectors: (images, d), those of the index. Raises InputError where CUDA is asked for but missing.

    >>> choose_torch_device("blocked", "cpu", 9, np.ones((20, 4)), 5)
    'cpu'
    """
    long = len(vectors) >= LONG_IMAGES * k and queries * vectors.size >= LONG_PRODUCTS
    if engine == "faiss" or (engine == "auto" and not long):
        return None
    if device != "cpu":
        from cbir.retrieval.torch_engine import find_device

        device = find_device(device)
    return device if engine == "blocked" or device == "cuda" or _multiplies_bfloat16() else None


def _multiplies_bfloat16() -> bool:
    """Whether this processor has bfloat16 instructions, as far as Linux tells."""
    processor = Path("/proc/cpuinfo")
    return processor.exists() and bool(re.search(r"\b(avx512_bf16|amx_bf16)\b", processor.read_text()))


def search_exact(
    index: faiss.Index,
    vectors: np.ndarray,
    queries: np.ndarray,
    k: int,
    similarities: Similarity = COSINE,
    threads: int = 1,
    device: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest vectors, in an order that depends on neither threads nor blocks, engine nor device.

    index: an exact faiss index of the vectors. vectors: (images, d) float32. queries: (queries, d) float32.
    similarities: how the index compares. device: where the torch engine multiplies, for COSINE only; faiss does where
    it is None. Returns similarities, float32, and positions in vectors, int64, (queries, k) each.

    Results in float32 or bfloat16 differ in their last bits with threads, blocks and engine. So more candidates than k
    are taken by such results, their similarities are computed again in float64, and they are ranked by (similarity,
    position). Where an image that was left out could still be among the first k, because its float32 similarity plus
    the rounding bound reaches the k-th similarity, all vectors are scanned in float64.
    """
    depth = min(k + MARGIN, len(vectors))
    candidates = None
    if device:
        from cbir.retrieval.torch_engine import propose_candidates  # imports torch, which takes two seconds

        candidates = propose_candidates(vectors, queries, k, depth, threads, device)
    position, left_out = candidates or _propose_by_faiss(index, queries, depth, similarities)
    similarity, position = rank(_compare(vectors, queries, position, similarities, threads), position, k)
    unsure = np.flatnonzero(similarities.may_miss(left_out, queries, similarity[:, -1]))
    similarity[unsure], position[unsure] = _scan(vectors, queries[unsure], similarity[unsure, -1], k, similarities)
    return similarity, position


def _propose_by_faiss(
    index: faiss.Index, queries: np.ndarray, depth: int, similarities: Similarity
) -> tuple[np.ndarray, np.ndarray]:
    """The `depth` vectors nearest in float32, and the greatest float32 similarity that another one may have."""
    value, position = index.search(queries, depth)
    if depth == index.ntotal:
        return position, np.full(len(queries), -np.inf, np.float32)
    return position, similarities.convert(value[:, -1])


def _compare(
    vectors: np.ndarray, queries: np.ndarray, position: np.ndarray, similarities: Similarity, threads: int
) -> np.ndarray:
    """Similarities of each query with the vectors at its positions, (queries, width) each; -inf where it is -1."""
    similarity = np.full(position.shape, -np.inf, np.float32)
    queries = queries.astype(np.float64)

    def fill(rows: np.ndarray) -> None:
        for query in rows:
            there = position[query] >= 0
            near = vectors.take(position[query, there], axis=0)
            similarity[query, there] = similarities.compare(near, queries[query])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, np.array_split(np.arange(len(queries)), threads)))
    return similarity


def _scan(
    vectors: np.ndarray, queries: np.ndarray, floor: np.ndarray, k: int, similarities: Similarity
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and positions of the nearest of all vectors, (queries, k) each, by float64 products with all.

    floor: (queries,) similarities that at least k vectors reach, or -inf. Only vectors that may reach the floor need
    their similarity computed.
    """
    queries, floor = queries.astype(np.float64), floor.astype(np.float64)
    similarity = np.full((len(queries), k), -np.inf, np.float32)
    position = np.full((len(queries), k), len(vectors))
    for part in blocks(len(vectors) if len(queries) else 0, SCANNED):
        block = vectors[part].astype(np.float64)
        reached = similarities.may_reach(queries, block, floor)
        for query in np.flatnonzero(reached.any(axis=1)):
            found = np.flatnonzero(reached[query])
            candidates = np.append(similarity[query], similarities.compare(block[found], queries[query]))
            similarity[query], position[query] = rank(candidates, np.append(position[query], part.start + found), k)
            floor[query] = max(floor[query], similarity[query, -1])
    return similarity, position


def _search_approximate(
    index: faiss.Index, queries: np.ndarray, k: int, similarities: Similarity
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and positions, (queries, k) each, as an approximate index estimates them.

    They are NaN and -1 where it finds fewer than k.
    """
    value, position = index.search(queries, k)
    similarity = similarities.convert(value).astype(np.float32, copy=False)
    similarity[position < 0] = np.nan
    return rank(similarity, position, k)
