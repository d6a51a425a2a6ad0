"""Indexes: faiss indexes of a dataset's embeddings, by inner product or distance. Their ids are manifest rows."""

import re
from pathlib import Path

import faiss
import numpy as np

from cbir.blocks import blocks
from cbir.embeddings.files import map_again
from cbir.errors import InputError
from cbir.files import set_aside, whole_file
from cbir.retrieval.similarities import Similarity, choose_similarity

BLOCK = 1024  # rows copied through one memory map, whose pages around each row stay in memory until the next
ADDED = 16_384  # rows that faiss encodes at a time
TRAINING_IMAGES = 131_072  # enough for 3,360 centroids, since faiss asks for 39 images per centroid
GRAPHS = re.compile("HNSW|NSG|NNDescent")


def build_index(
    embeddings: np.ndarray, rows: np.ndarray, factory: str, threads: int, seed: int, norms: np.ndarray | None = None
) -> faiss.IndexIDMap:
    """An index of some rows of the embeddings, filled block by block.

    embeddings: (n, d) float32 of unit norm, memory-mapped. rows: (images,) int64, ascending manifest rows, which become
    the ids of the index. factory: a string for faiss.index_factory (Douze et al. 2024, "The Faiss library", section 5).
    An index that needs training is trained on a sample of at most TRAINING_IMAGES rows, drawn with the seed. norms:
    (n,) float32 of the raw features.

    Without norms the index is by inner product, which is the cosine similarity. With norms it holds the raw features,
    each embedding times its norm, and is by Euclidean distance.

    The same arguments give the same index. The edges of a graph follow the order of insertion, so a graph is built by
    one thread. Raises InputError for rows past the end of the embeddings and for a factory that faiss refuses.

    >>> index = build_index(np.eye(3, dtype=np.float32), np.array([0, 2]), "Flat", threads=1, seed=0)
    >>> indexed_rows(index), exact_vectors(index)[1]
    (array([0, 2]), array([0., 0., 1.], dtype=float32))
    """
    if not len(rows) or (np.diff(rows) <= 0).any():
        raise ValueError("index rows must be ascending, unique and at least one")
    if rows[0] < 0 or rows[-1] >= len(embeddings):
        raise InputError(
            f"index rows reach {rows[-1]}, but the embeddings end at row {len(embeddings) - 1}: they come from another "
            "manifest; delete the index rows and the embeddings and run again (rules sample_index_rows, embed_images)"
        )
    faiss.omp_set_num_threads(1 if GRAPHS.search(factory) else threads)
    index = _create_index(factory, embeddings.shape[1], choose_similarity(norms))
    vectors = index.index
    if isinstance(faiss.downcast_index(vectors), faiss.IndexFlat):
        copy_rows(embeddings, rows, norms, out=_make_room(index, rows))
        return index
    if not index.is_trained:
        generator = np.random.default_rng(seed)
        sample = np.sort(generator.choice(rows, min(TRAINING_IMAGES, len(rows)), replace=False))
        try:
            index.train(copy_rows(embeddings, sample, norms))
        except RuntimeError as error:
            raise InputError(
                f"indexes: {factory!r} cannot be trained on {len(sample)} images ({_reason(error)}); "
                "give it fewer centroids or leave out the smaller index_sizes"
            ) from error
    for block in blocks(len(rows), ADDED):
        index.add_with_ids(copy_rows(embeddings, rows[block], norms), rows[block])
    return index


def _create_index(factory: str, dimensions: int, similarities: Similarity) -> faiss.IndexIDMap:
    try:
        inner = faiss.index_factory(dimensions, factory, similarities.metric)
    except RuntimeError as error:
        raise InputError(
            f"indexes: {factory!r} is not a faiss index by {similarities.name} of {dimensions} dimensions "
            f"({_reason(error)}); examples are Flat, HNSW32, 'IVF1024,Flat', SQfp16"
        ) from error
    if isinstance(inner, faiss.IndexIDMap):
        raise InputError(f"indexes: {factory!r}: leave IDMap out, every index gets one")
    return faiss.IndexIDMap(inner)


def _make_room(index: faiss.IndexIDMap, rows: np.ndarray) -> np.ndarray:
    """Give an empty exact index these rows as ids, and return its vectors, (images, d) float32, to be filled.

    Filling them in place halves the peak memory: faiss's own add copies each block and doubles.
    """
    flat = faiss.downcast_index(index.index)
    flat.codes.resize(len(rows) * flat.code_size)
    flat.ntotal = index.ntotal = len(rows)
    faiss.copy_array_to_vector(np.ascontiguousarray(rows, np.int64), index.id_map)
    return exact_vectors(index)


def copy_rows(
    embeddings: np.ndarray, rows: np.ndarray, norms: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Copy some rows of memory-mapped embeddings, float32 (rows, d), into `out` if it is given.

    norms: (n,) float32. With them, each row is multiplied by its norm, which gives the raw features. Each block is read
    through a new memory map, so that the pages of the file do not stay in memory.

    >>> copy_rows(np.eye(3, dtype=np.float32), np.array([2, 0]), norms=np.array([5, 6, 7], np.float32))
    array([[0., 0., 7.],
           [5., 0., 0.]], dtype=float32)
    """
    out = np.empty((len(rows), embeddings.shape[1]), np.float32) if out is None else out
    for block in blocks(len(rows), BLOCK):
        np.take(map_again(embeddings), rows[block], axis=0, out=out[block], mode="clip")  # any other mode buffers `out`
        if norms is not None:
            out[block] *= norms[rows[block], None]
    return out


def exact_vectors(index: faiss.IndexIDMap) -> np.ndarray | None:
    """The vectors of an exact index, (images, d) float32; None for an approximate one.

    The array is a view into the index, valid for as long as the index is.
    """
    flat = faiss.downcast_index(index.index)
    if not isinstance(flat, faiss.IndexFlat):
        return None
    return faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(flat.ntotal, flat.d)


def indexed_rows(index: faiss.IndexIDMap) -> np.ndarray:
    """The manifest rows that an index holds, (images,) int64, ascending."""
    return faiss.vector_to_array(index.id_map)


def part_rows(rows: np.ndarray, part: int, parts: int) -> np.ndarray:
    """The rows of one part of an index that is cut into `parts` nearly equal parts.

    Raises InputError where there are more parts than images.

    >>> [part_rows(np.array([3, 4, 7]), part, 2).tolist() for part in range(2)]
    [[3, 4], [7]]
    """
    if parts > len(rows):
        raise InputError(
            f"search.index_shards is {parts}, but the index holds {len(rows)} images; "
            f"set it to {len(rows)} or less, or leave out the smaller index_sizes"
        )
    return np.array_split(rows, parts)[part]


def write_index(index: faiss.IndexIDMap, path: str | Path) -> None:
    """Write an index to a file."""
    with whole_file(path) as partial:
        faiss.write_index(index, str(partial))


def read_index(path: str | Path, embeddings: np.ndarray, norms: np.ndarray | None = None) -> faiss.IndexIDMap:
    """Read an index that write_index wrote, of these embeddings, (n, d) float32.

    norms: (n,) float32, for an index that was built with them. A file is set aside, and InputError raised, where it is
    truncated, holds another kind of index, or belongs to other embeddings: it has other dimensions or rows past their
    end. The vectors themselves are not compared.
    """
    similarities = choose_similarity(norms)
    with Path(path).open("rb"):  # faiss does not tell a missing file from a damaged one
        pass
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise set_aside(path, f"not a complete faiss index ({_reason(error)})") from error
    if not isinstance(index, faiss.IndexIDMap) or index.metric_type != similarities.metric:
        raise set_aside(path, f"a faiss index, but not one by {similarities.name} with manifest rows as ids")
    if index.d != embeddings.shape[1]:
        raise set_aside(path, f"it has {index.d} dimensions, but the embeddings have {embeddings.shape[1]}")
    rows = indexed_rows(index)
    if not len(rows) or len(rows) != index.ntotal or rows[-1] >= len(embeddings):
        raise set_aside(path, f"not an index of these {len(embeddings)} embeddings, but of others")
    return index


def _reason(error: Exception) -> str:
    """The part of a faiss error that names the problem, without faiss's source lines."""
    return str(error).rsplit(": ", 1)[-1].strip()
