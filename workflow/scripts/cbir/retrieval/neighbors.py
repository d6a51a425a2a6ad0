"""Neighbors: what a search found for each query, and the file that holds it."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cbir.errors import InputError


@dataclass(frozen=True)
class Neighbors:
    """The k nearest index images of each query, most similar first; equal similarities by manifest row.

    query: (queries,) int64 manifest rows. neighbor: (queries, k) int64 manifest rows, -1 where an approximate index
    found no more. similarity: (queries, k) float32 cosine similarities, NaN where there is no neighbor.
    """

    query: np.ndarray
    neighbor: np.ndarray
    similarity: np.ndarray


def rank(similarity: np.ndarray, image: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k along the last axis by falling similarity, equal ones by rising image, NaN last."""
    order = np.argsort(-similarity, axis=-1, kind="stable")  # quick, as what is to be ranked is nearly in order
    first = np.take_along_axis(similarity, order[..., : k + 1], -1)
    tied = (first[..., 1:] == first[..., :-1]).any(axis=-1)
    order[tied] = np.lexsort((image[tied], -similarity[tied]))
    order = order[..., :k]
    return np.take_along_axis(similarity, order, -1), np.take_along_axis(image, order, -1)


def merge_neighbors(parts: Sequence[Neighbors], k: int) -> Neighbors:
    """The k nearest images of each query among the neighbors that the parts of an index gave.

    parts: of the same queries, each of min(k, its images) neighbors or more, so that none of the first k is missed.
    Raises InputError for parts of other queries or with fewer than k neighbors in all.
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
    """Write neighbors as .npz, the same bytes for the same neighbors; the file gets its name when it is complete."""
    partial = Path(f"{path}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, query=neighbors.query, neighbor=neighbors.neighbor, similarity=neighbors.similarity)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_neighbors(path: str | Path, images: int | None = None) -> Neighbors:
    """Read neighbors; images: the rows of their manifest, where given.

    Raises InputError for a file that is truncated, holds no neighbors or belongs to another manifest.
    """
    remedy = "delete it and run again (rule search_index)"
    try:
        with np.load(path) as arrays:
            query, neighbor, similarity = (arrays[name] for name in ("query", "neighbor", "similarity"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no complete neighbors ({error}); {remedy}") from error
    if query.ndim != 1 or neighbor.ndim != 2 or neighbor.shape != similarity.shape or len(query) != len(neighbor):
        raise InputError(f"{path}: arrays that don't belong together; {remedy}")
    if images is not None and max(query.max(initial=-1), neighbor.max(initial=-1)) >= images:
        raise InputError(f"{path}: rows past the manifest's {images} images, so of another dataset; {remedy}")
    return Neighbors(query, neighbor, similarity)
