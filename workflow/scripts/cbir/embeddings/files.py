"""Embedding files: float32 (n, d) of unit norm, row i the manifest's row i, opened as a memory map."""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cbir.errors import InputError

BLOCK = 1 << 24  # numbers read at a time: 64 MiB of float32
NORM_TOLERANCE = 1e-3  # what rounding leaves of a unit norm, far below any error of scale


def open_embeddings(path: str | Path, rows: int | None = None, dimensions: int | None = None) -> np.ndarray:
    """Open an embedding file as a read-only memory map, its content checked block by block.

    rows, dimensions: what it must have, where given. Raises InputError for a file that is no float32 matrix, has
    another shape, or has a row that is not of unit norm (NaN and zero included).
    """
    remedy = "delete it and run again (rule embed_images)"
    try:
        embeddings = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not an embedding file ({error}); {remedy}") from error
    if embeddings.dtype != np.float32 or embeddings.ndim != 2:
        raise InputError(f"{path}: {embeddings.dtype} {embeddings.shape}, not a float32 matrix; {remedy}")
    for axis, (what, expected) in enumerate((("rows", rows), ("dimensions", dimensions))):
        if expected is not None and embeddings.shape[axis] != expected:
            raise InputError(f"{path}: {embeddings.shape[axis]} {what}, not {expected}; {remedy}")
    for start, block in iterate_blocks(embeddings):
        bad = find_unnormalized(block)
        if len(bad):
            raise InputError(f"{path}: row {start + bad[0]} is not of unit norm (NaN, zero or unscaled); {remedy}")
    return embeddings


def find_unnormalized(block: np.ndarray) -> np.ndarray:
    """The rows of a float32 (n, d) block whose norm is not 1, NaN included: int64 positions."""
    return np.flatnonzero(~(np.abs(np.einsum("nd,nd->n", block, block) - 1) < NORM_TOLERANCE))


def iterate_blocks(embeddings: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The first row and the rows of each block of a matrix, so that memory follows the block."""
    rows = max(1, BLOCK // embeddings.shape[1])
    for start in range(0, len(embeddings), rows):
        yield start, map_anew(embeddings)[start : start + rows]


def map_anew(embeddings: np.ndarray) -> np.ndarray:
    """The same embeddings through a map of their own, where they are one: what was read through it leaves with it."""
    if not isinstance(embeddings.base, mmap.mmap):
        return embeddings
    return np.memmap(embeddings.filename, embeddings.dtype, "r", embeddings.offset, embeddings.shape)


@contextmanager
def create_embeddings(path: str | Path, rows: int, dimensions: int) -> Iterator[np.ndarray]:
    """A float32 (rows, dimensions) memory map to fill; it gets its name when filled, and is gone after an error."""
    partial = Path(f"{path}.partial")
    embeddings = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(rows, dimensions))
    try:
        yield embeddings
        embeddings.flush()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def join_shards(paths: Sequence[str | Path], output: str | Path) -> None:
    """Write the embeddings of all shards, in the order given, into one file. Raises InputError for a bad shard."""
    shards = [open_embeddings(path) for path in paths]
    dimensions = shards[0].shape[1]
    for path, shard in zip(paths, shards, strict=True):
        if shard.shape[1] != dimensions:
            raise InputError(
                f"{path}: {shard.shape[1]} dimensions, {paths[0]} has {dimensions}; delete both and run again"
            )
    with create_embeddings(output, sum(map(len, shards)), dimensions) as embeddings:
        written = 0
        for shard in shards:
            for _, block in iterate_blocks(shard):
                embeddings[written : written + len(block)] = block
                written += len(block)


def unite_embeddings(
    rows: Sequence[tuple[np.ndarray, np.ndarray]], parts: Sequence[np.ndarray], output: str | Path
) -> None:
    """Write one file of the rows of several.

    rows: for each part the (n,) int rows of the output and the (n,) int rows of the part that they are. parts: float32
    (m, d) memory maps. Raises InputError where the parts differ in dimensions.
    """
    dimensions = {part.shape[1] for part in parts}
    if len(dimensions) > 1:
        raise InputError(f"{output}: its members have {sorted(dimensions)} dimensions; embed them with the same model")
    step = max(1, BLOCK // max(dimensions))
    with create_embeddings(output, sum(len(here) for here, _ in rows), max(dimensions)) as embeddings:
        for (here, there), part in zip(rows, parts, strict=True):
            for start in range(0, len(here), step):
                block = slice(start, start + step)
                embeddings[here[block]] = part[there[block]]
