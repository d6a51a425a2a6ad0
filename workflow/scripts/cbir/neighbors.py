"""Neighbors: what a search found for each query, and the file that holds it."""

import zipfile
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
