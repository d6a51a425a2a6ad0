"""Embedding files: float32 (n, d) of unit norm, row i for row i of the manifest, opened as a memory map.

A second file has the norms that the features had before they were scaled, float32 (n,).
"""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cbir.blocks import blocks
from cbir.errors import InputError
from cbir.files import set_aside, whole_file

BLOCK = 1 << 24  # numbers held at a time: 64 MiB of float32
NORM_TOLERANCE = 1e-3  # what rounding leaves of a unit norm, far below any error of scale


def open_embeddings(path: str | Path, rows: int | None = None) -> np.ndarray:
    """Open an embedding file as a read-only memory map.

    rows: the number of rows that it must have, where given. Its values were checked when it was written. Raises
    InputError for a file that is no float32 matrix or has another number of rows; the file is set aside.
    """
    return _load_floats(path, rows, "an embedding file", "matrix", ndim=2)


def open_norms(path: str | Path, rows: int | None = None) -> np.ndarray:
    """The norms of the features of a dataset, (n,) float32, as save_norms wrote them.

    rows: the number of norms that there must be, where given. Raises InputError as open_embeddings does.
    """
    return np.array(_load_floats(path, rows, "a file of norms", "vector", ndim=1))


def _load_floats(path: str | Path, rows: int | None, content: str, shape: str, ndim: int) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r")
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError, EOFError) as error:
        raise set_aside(path, f"not {content} ({error})") from error
    if array.dtype != np.float32 or array.ndim != ndim:
        raise set_aside(path, f"{array.dtype} {array.shape}, not a float32 {shape}")
    if rows is not None and len(array) != rows:
        raise set_aside(path, f"{len(array)} rows, but its manifest has {rows}")
    return array


def save_norms(norms: np.ndarray, path: str | Path) -> None:
    """Write the norms of the features of a dataset, (n,) float32."""
    with whole_file(path) as partial:
        np.save(partial, norms)


def find_unnormalized(block: np.ndarray) -> np.ndarray:
    """The rows of a float32 (n, d) block whose norm is not 1, NaN included: int64 positions.

    >>> find_unnormalized(np.array([[1, 0], [1, 1], [np.nan, 0]], np.float32))
    array([1, 2])
    """
    return np.flatnonzero(~(np.abs(np.einsum("nd,nd->n", block, block) - 1) < NORM_TOLERANCE))


def find_unusable_norms(norms: np.ndarray) -> np.ndarray:
    """The positions, int64, of norms, (n,) float32, that are not positive or not finite.

    >>> find_unusable_norms(np.array([2, 0, np.inf, np.nan], np.float32))
    array([1, 2, 3])
    """
    return np.flatnonzero(~((norms > 0) & (norms < np.inf)))


def map_again(embeddings: np.ndarray) -> np.ndarray:
    """The same embeddings through a memory map of their own, where they are one.

    The pages that are read through it leave the memory when it is closed.
    """
    if not isinstance(embeddings.base, mmap.mmap):
        return embeddings
    return np.memmap(embeddings.filename, embeddings.dtype, "r", embeddings.offset, embeddings.shape)


@contextmanager
def create_embeddings(path: str | Path, rows: int, dimensions: int) -> Iterator[np.ndarray]:
    """Yield a float32 (rows, dimensions) memory map to fill; the file gets its name when the body ends."""
    with whole_file(path) as partial:
        embeddings = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(rows, dimensions))
        yield embeddings
        embeddings.flush()


def unite_embeddings(
    rows: Sequence[tuple[np.ndarray, np.ndarray]], parts: Sequence[np.ndarray], output: str | Path
) -> None:
    """Write one embedding file from the rows of several.

    rows: for each part, the (n,) int rows of the output and the (n,) int rows of the part that they are copies of.
    parts: float32 (m, d) memory maps. Raises InputError where the parts have different dimensions.
    """
    dimensions = {part.shape[1] for part in parts}
    if len(dimensions) > 1:
        raise InputError(f"{output}: its members have {sorted(dimensions)} dimensions; embed them with the same model")
    step = max(1, BLOCK // max(dimensions))
    with create_embeddings(output, sum(len(here) for here, _ in rows), max(dimensions)) as embeddings:
        for (here, there), part in zip(rows, parts, strict=True):
            for block in blocks(len(here), step):
                embeddings[here[block]] = part[there[block]]


def unite_norms(rows: Sequence[tuple[np.ndarray, np.ndarray]], parts: Sequence[np.ndarray]) -> np.ndarray:
    """The norms of a union, (n,) float32, from those of its members; arguments as for unite_embeddings.

    >>> unite_norms([(np.array([1]), np.array([0])), (np.array([0]), np.array([1]))], [np.ones(1), np.array([2, 3])])
    array([3., 1.], dtype=float32)
    """
    norms = np.empty(sum(len(here) for here, _ in rows), np.float32)
    for (here, there), part in zip(rows, parts, strict=True):
        norms[here] = part[there]
    return norms
