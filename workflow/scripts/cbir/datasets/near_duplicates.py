"""Near copies: pictures that differ in their pixels but look the same, such as neighboring slices of a volume."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.datasets.fingerprints import read_fingerprints
from cbir.images.thumbnails import SIDE

MOST_BITS = 6  # largest number of bits in which the perceptual hashes of near copies differ
LEAST_CORRELATION = 0.985  # smallest Pearson correlation of the thumbnails of near copies
# largest distance of two vectors of length 1 with this correlation, with a margin for rounding errors
MOST_DISTANCE = (2 - 2 * LEAST_CORRELATION) ** 0.5 + 1e-4
MOST_TRIES = 1000  # a picture with so many queries of a similar hash is compared with no more of them
SAMPLE = 10_000  # number of queries that determine the axes by which pictures are compared first
AXES = 16
ROWS, COLUMNS = 16, 4096  # pictures and queries whose hashes are compared at a time; their distances fit in the cache
PAIRS = 4096  # number of pairs of thumbnails that are compared at a time


@dataclass(frozen=True)
class Pictures:
    """Pictures by their fingerprints: pixel hashes (n,), perceptual hashes (n,) uint64, thumbnails (n, 1024) uint8."""

    names: np.ndarray
    hashes: np.ndarray
    thumbnails: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Pictures":
        return Pictures(self.names[rows], self.hashes[rows], self.thumbnails[rows])


def find_near_copies(files: Sequence[str | Path], index: set[str], queries: set[str]) -> set[str]:
    """Find the pictures of the index that are near copies of a query.

    A near copy has other pixels than the query, a perceptual hash that differs in at most 6 of 64 bits, and a thumbnail
    whose Pearson correlation with that of the query is at least 0.985. A picture of one grey level has no correlation
    and is no near copy. A picture is compared with about 1,000 queries of a similar hash at most, so that the time of
    these comparisons is proportional to the number of pictures.

    files: fingerprints of a dataset, or of each member of a union. index, queries: the pixel hashes of their pictures.
    Returns pixel hashes of the index, none of which is in `queries`. Memory holds the thumbnails of all queries, 1 KiB
    each, and those of one block of other pictures. Raises InputError for a damaged file, which is set aside.
    """
    wanted, queried = pd.Index(index - queries, dtype=object), pd.Index(queries, dtype=object)
    known = _join([_take_pictures(block, queried) for block in read_fingerprints(files)])
    if not len(known.names):
        return set()
    axes = _find_axes(known.thumbnails)
    places = _project(known.thumbnails, axes)
    order = places[:, 0].argsort(kind="stable")
    known, places = known[order], places[order]
    found = set()
    for block in read_fingerprints(files):
        pictures = _take_pictures(block, wanted)
        found.update(pictures.names[_are_copies(pictures, _project(pictures.thumbnails, axes), known, places)])
    return found


def _take_pictures(block: pd.DataFrame, names: pd.Index) -> Pictures:
    """Those pictures of a block of fingerprints that are in `names` and have several grey levels."""
    block = block[names.get_indexer(block["pixel_hash"].astype(object)) >= 0]
    thumbnails = np.frombuffer(b"".join(block["thumbnail"]), dtype=np.uint8).reshape(-1, SIDE * SIDE)
    pictures = Pictures(block["pixel_hash"].to_numpy(), block["perceptual_hash"].to_numpy(np.uint64), thumbnails)
    return pictures[np.flatnonzero(np.ptp(thumbnails, axis=1))]


def _join(parts: list[Pictures]) -> Pictures:
    none = Pictures(np.empty(0, object), np.empty(0, np.uint64), np.empty((0, SIDE * SIDE), np.uint8))
    parts = [none, *parts]
    return Pictures(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(none)))


def _find_axes(thumbnails: np.ndarray) -> np.ndarray:
    """Nearly the first 16 principal axes of some thumbnails as vectors of length 1: (1024, 16), by power iteration.

    Any orthonormal axes are right. Those along which the pictures differ most leave the fewest pairs to compare.
    """
    sample = _normalize(thumbnails[:: -(-len(thumbnails) // SAMPLE)])
    sample -= sample.mean(axis=0)
    axes = np.random.default_rng(0).normal(size=(SIDE * SIDE, AXES)).astype(np.float32)
    for _ in range(10):
        axes = np.linalg.qr(sample.T @ (sample @ axes) + 1e-6 * axes)[0]
    return axes


def _project(thumbnails: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """The place of each thumbnail, as a vector of length 1, on some axes: (n, 16) float32.

    The places of two near copies have a distance of at most MOST_DISTANCE, as the vectors have.
    """
    places = np.empty((len(thumbnails), axes.shape[1]), dtype=np.float32)
    for part in blocks(len(thumbnails), PAIRS):
        places[part] = _normalize(thumbnails[part]) @ axes
    return places


def _normalize(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails as vectors of mean 0 and length 1, float32, whose products are Pearson correlations."""
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def _are_copies(pictures: Pictures, places: np.ndarray, known: Pictures, known_places: np.ndarray) -> np.ndarray:
    """Whether each picture is a near copy of a known one: (n,) bool.

    places, known_places: (n, 16) on the axes. The known pictures are sorted by the first of them.
    """
    copies = np.zeros(len(places), dtype=bool)
    order = places[:, 0].argsort(kind="stable")
    first = np.searchsorted(known_places[:, 0], places[:, 0] - MOST_DISTANCE, side="left")
    last = np.searchsorted(known_places[:, 0], places[:, 0] + MOST_DISTANCE, side="right")
    for part in blocks(len(order), ROWS):
        rows = order[part]
        tries = np.zeros(len(rows), dtype=np.int64)
        start = first[rows[0]]
        for columns in blocks(last[rows[-1]] - start, COLUMNS):
            open_rows = np.flatnonzero(~copies[rows] & (tries < MOST_TRIES))
            others = slice(start + columns.start, start + columns.stop)
            differences = np.bitwise_count(pictures.hashes[rows[open_rows], None] ^ known.hashes[None, others])
            row, other = np.divmod(np.flatnonzero(differences <= MOST_BITS), differences.shape[1])
            row, other = open_rows[row], other + others.start
            apart = places[rows[row]] - known_places[other]
            close = np.einsum("ij,ij->i", apart, apart) <= MOST_DISTANCE**2
            row, other = row[close], other[close]
            if len(row):
                tries += np.bincount(row, minlength=len(tries))
                copies[rows] |= _have_correlated(pictures.thumbnails[rows], known.thumbnails, row, other)
    return copies


def _have_correlated(a: np.ndarray, b: np.ndarray, row: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether each thumbnail of `a` correlates enough with one of `b` that it is paired with: (len(a),) bool.

    row, other: the pairs, sorted by row. The first pair of each row is compared first, because that is often enough.
    """
    found = np.zeros(len(a), dtype=bool)
    is_first = np.diff(row, prepend=-1) > 0
    for pairs in (np.flatnonzero(is_first), np.flatnonzero(~is_first)):
        pairs = pairs[~found[row[pairs]]]
        for part in blocks(len(pairs), PAIRS):
            rows, others = row[pairs[part]], other[pairs[part]]
            correlation = np.einsum("ij,ij->i", _normalize(a[rows]), _normalize(b[others]))
            found[rows[correlation >= LEAST_CORRELATION]] = True
    return found
