"""Neighbors: the images that a search found for each query, and the file that holds them."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cbir.errors import InputError
from cbir.files import set_aside, whole_file


@dataclass(frozen=True)
class Neighbors:
    """The k nearest index images of each query, most similar first.

    query: (queries,) int64 manifest rows. neighbor: (queries, k) int64 manifest rows, -1 where an approximate index
    found no more. Neighbors of equal similarity are in the order of their rows. similarity: (queries, k) float32 cosine
    similarities, NaN where there is no neighbor.
    """

    query: np.ndarray
    neighbor: np.ndarray
    similarity: np.ndarray


def rank(similarity: np.ndarray, image: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k along the last axis by falling similarity, among equal ones by rising image; NaN comes last.

    >>> similarity, image = rank(np.array([[0.5, 0.9, 0.9]]), np.array([[1, 7, 3]]), 2)
    >>> image
    array([[3, 7]])
    """
    order = np.argsort(-similarity, axis=-1, kind="stable")  # fast, because most rows are nearly in order already
    first = np.take_along_axis(similarity, order[..., : k + 1], -1)
    tied = (first[..., 1:] == first[..., :-1]).any(axis=-1)
    order[tied] = np.lexsort((image[tied], -similarity[tied]))
    order = order[..., :k]
    return np.take_along_axis(similarity, order, -1), np.take_along_axis(image, order, -1)


def merge_neighbors(parts: Sequence[Neighbors], k: int) -> Neighbors:
    """The k nearest images of each query among the neighbors that the parts of an index gave.

    parts: neighbors of the same queries, min(k, images of the part) or more in each, so that none of the first k is
    missing. Raises InputError for parts of different queries, and for fewer than k neighbors in all parts together.
    """
    query = parts[0].query
    if not all(np.array_equal(part.query, query) for part in parts):
        raise InputError("parts of an index were searched for other queries; delete them and run again (search_index)")
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
    """Write neighbors as .npz. Equal neighbors give equal bytes."""
    with whole_file(path) as partial:
        np.savez(partial, query=neighbors.query, neighbor=neighbors.neighbor, similarity=neighbors.similarity)


def load_neighbors(path: str | Path, images: int | None = None) -> Neighbors:
    """Read neighbors. images: the number of rows of their manifest, where given.

    Raises InputError for a file that is truncated, holds no neighbors or belongs to another manifest; the file is set
    aside.
    """
    try:
        with np.load(path) as arrays:
            query, neighbor, similarity = (arrays[name] for name in ("query", "neighbor", "similarity"))
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise set_aside(path, f"no complete neighbors ({error})") from error
    if query.ndim != 1 or neighbor.ndim != 2 or neighbor.shape != similarity.shape or len(query) != len(neighbor):
        raise set_aside(path, "arrays that don't belong together")
    if images is not None and max(query.max(initial=-1), neighbor.max(initial=-1)) >= images:
        raise set_aside(path, f"rows beyond the {images} images of the manifest, so of another dataset")
    return Neighbors(query, neighbor, similarity)
