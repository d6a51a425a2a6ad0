"""Neighbors: the images that a search found for each query, and the file that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cbir.errors import InputError
from cbir.files import set_aside, whole_file


@dataclass(frozen=True)
class Neighbors:
    """The k nearest index images of each query, most similar first, equal similarities by manifest row.

    query: (queries,) int64 manifest rows. neighbor: (queries, k) int64 manifest rows, -1 where an approximate index
    found no more. Neighbors of equal similarity are in the order of their rows. similarity: (queries, k) float32, NaN
    where there is no neighbor. It is the cosine similarity of the embeddings, or the negative Euclidean distance of the
    raw features, so that the greatest is the nearest in both.
    """

    query: np.ndarray
    neighbor: np.ndarray
    similarity: np.ndarray


def rank(similarity: np.ndarray, image: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k along the last axis by falling similarity; equal similarities by rising image, NaN last.

    similarity: (..., n) float. image: (..., n) int. Returns similarity and image, (..., k) each.

    >>> rank(np.array([0.5, 0.9, 0.5]), np.array([8, 7, 3]), 2)
    (array([0.9, 0.5]), array([7, 3]))
    """
    order = np.argsort(-similarity, axis=-1, kind="stable")  # fast, because most input is nearly in order
    first = np.take_along_axis(similarity, order[..., : k + 1], -1)
    tied = (first[..., 1:] == first[..., :-1]).any(axis=-1)
    order[tied] = np.lexsort((image[tied], -similarity[tied]))
    order = order[..., :k]
    return np.take_along_axis(similarity, order, -1), np.take_along_axis(image, order, -1)


def merge_neighbors(parts: Sequence[Neighbors], k: int) -> Neighbors:
    """The k nearest images of each query among the neighbors that were found in the parts of an index.

    parts: neighbors of the same queries. Each must hold min(k, images of its part) neighbors or more, so that none of
    the first k is missing. Raises InputError for parts of different queries, or with fewer than k neighbors in all.

    >>> first = Neighbors(np.array([9]), np.array([[1]]), np.array([[0.2]]))
    >>> second = Neighbors(np.array([9]), np.array([[5]]), np.array([[0.7]]))
    >>> merge_neighbors([first, second], 2).neighbor
    array([[5, 1]])
    """
    query = parts[0].query
    if not all(np.array_equal(part.query, query) for part in parts):
        raise InputError(
            "the parts of an index were searched for different queries; delete their neighbors and run again "
            "(rule search_index)"
        )
    found = sum(part.neighbor.shape[1] for part in parts)
    if found < k:
        raise InputError(
            f"search.k is {k}, but the parts of the index hold {found} images; "
            f"set search.k to {found} or less, or leave out the smaller index_sizes"
        )
    similarity, neighbor = rank(
        np.hstack([part.similarity for part in parts]), np.hstack([part.neighbor for part in parts]), k
    )
    return Neighbors(query, neighbor, similarity)


def save_neighbors(neighbors: Neighbors, path: str | Path) -> None:
    """Write neighbors to a .npz file. Equal neighbors give equal bytes."""
    with whole_file(path) as partial:
        np.savez(partial, query=neighbors.query, neighbor=neighbors.neighbor, similarity=neighbors.similarity)


def load_neighbors(path: str | Path, images: int | None = None) -> Neighbors:
    """Read the neighbors that save_neighbors wrote.

    images: number of rows in the manifest that the neighbors belong to, if they are to be checked against it. A file
    that is truncated, holds no neighbors or belongs to another manifest is set aside, and InputError is raised.
    """
    try:
        with np.load(path) as arrays:
            query, neighbor, similarity = (arrays[name] for name in ("query", "neighbor", "similarity"))
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        raise set_aside(path, f"not a complete file of neighbors ({error})") from error
    if query.ndim != 1 or neighbor.ndim != 2 or neighbor.shape != similarity.shape or len(query) != len(neighbor):
        raise set_aside(path, "the shapes of its arrays do not belong together")
    if images is not None and max(query.max(initial=-1), neighbor.max(initial=-1)) >= images:
        raise set_aside(path, f"it has rows past the manifest's {images} images, so it belongs to another manifest")
    return Neighbors(query, neighbor, similarity)
