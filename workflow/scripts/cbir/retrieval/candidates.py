"""Candidates of an exact search: what a bfloat16 matrix product, with a bound on its rounding, cannot exclude.

The index vectors x are taken relative to a center m, c = x - m, which moves all similarities of a query q alike, by
q m, and so leaves their order; rounding errors shrink with |c|. Let q' and c' be the bfloat16 roundings of q and c, and
p the product q' c' as computed: products of bfloat16 numbers are exact in float32, summed there in any order, and the
sum is rounded to bfloat16. Then

    |q c - q' c'| = |(q - q') c + q' (c - c')| <= |q - q'| |c| + |q'| |c - c'|      both losses are measured
    |sum - q' c'| <= 1.01 d u |q'| |c'|,  u = 2^-23                                 Higham 2002, eq. 3.5, any rounding
    |p - sum|     <= 1.004 2^-8 |p|                                                 8 significant bits

so that q c lies in p +- (w + r |p|). An image whose upper end is below the k-th greatest lower end of a query is less
similar than k others. SLACK widens both ends by far more than the float32 rounding of c, of the ends themselves and of
the final similarities (2^-24 each), so it is less similar after that rounding too: no tie is lost.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch

BLOCK = 2048  # index images at a time: their products with 4,096 queries take 16 MB
CHUNK = 16  # blocks that are rounded before the queries meet them
RUN = 16  # neighboring images in a block: reading single ones from all over waits for memory
CENTERED = 4096  # index images whose mean is the center
ROOM = 16  # candidates a query, times k, past which the bound excludes too little to be worth it
CROWDED = 1 / 16  # of the queries without such room, past which the other engine is faster
ROUNDED = 1.01 * 2.0**-8  # relative error of a sum that was rounded to bfloat16
SUMMED = 1.01 * 2.0**-23  # relative error of a float32 sum, a term
NORMED = 1.001  # what a norm that is summed in float32 may be too small
SLACK = 2.0**-21
LEAST = np.iinfo(np.int16).min


def find_candidates(vectors: np.ndarray, queries: np.ndarray, k: int, threads: int) -> np.ndarray | None:
    """A superset of each query's k nearest vectors, ties included, for all but crowded queries.

    vectors: (images, d) float32. queries: (queries, d) float32. Returns positions, (queries, widest) int64, -1 past the
    last of a query; only -1 for a crowded query, one that the bound leaves more than ROOM * k. None where many are.
    """
    torch.set_num_threads(1)  # each thread multiplies for queries of its own
    images = _Images(vectors)
    shares = [_Share(part, k) for part in np.array_split(queries, min(threads, len(queries)))]
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, images.blocks, CHUNK):
            blocks = list(pool.map(images.round, range(start, min(start + CHUNK, images.blocks))))
            list(pool.map(_Share.add, shares, repeat(blocks)))
            if sum(np.isposinf(share.floor).sum() for share in shares) > CROWDED * len(queries):
                return None
        list(pool.map(_Share.drop, shares))
    widest = max(share.filled.max() for share in shares)
    position = np.concatenate([share.position[:, :widest] for share in shares], dtype=np.int64)
    position[np.arange(widest) >= np.concatenate([share.filled for share in shares])[:, None]] = -1
    return position


@dataclass(frozen=True)
class _Block:
    """Index images, (images,) int32, and their vectors relative to the center in bfloat16, (images, d).

    norm: the greatest of a vector. loss: the norm of the most that rounding took from one.
    """

    image: np.ndarray
    rounded: torch.Tensor
    norm: np.float32
    loss: np.float32


class _Images:
    """The index vectors in blocks. A block is runs of images from all over the index, so that all are alike."""

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors
        self.blocks = -(-len(vectors) // BLOCK)
        self.center = torch.from_numpy(vectors[:: max(1, len(vectors) // CENTERED)].mean(axis=0))

    def round(self, block: int) -> _Block:
        runs = np.arange(block * RUN, len(self.vectors), self.blocks * RUN, dtype=np.int32)
        image = np.add.outer(runs, np.arange(RUN, dtype=np.int32)).ravel()
        image = image[image < len(self.vectors)]
        rounded, norm, loss = _round(torch.from_numpy(self.vectors.take(image, axis=0)).sub_(self.center))
        return _Block(image, rounded, norm.max(), loss.max())


class _Share:
    """Some of the queries and their candidates so far.

    bits: (queries, room) int16, of the bfloat16 products. position: (queries, room) int32. filled: (queries,) int64,
    the candidates that there are. floor: (queries,) float32, what the k-th similarity reaches at least, relative to
    the center; infinite for a crowded query. width: (queries,) float32, w above, the greatest so far.
    """

    def __init__(self, queries: np.ndarray, k: int):
        number, room = len(queries), ROOM * max(k, 16)
        self.k = k
        self.rounded, self.norm, self.loss = _round(torch.from_numpy(queries.copy()))
        self.bits, self.position = np.empty((number, room), np.int16), np.empty((number, room), np.int32)
        self.filled = np.zeros(number, np.int64)
        self.floor, self.width = np.full(number, -np.inf, np.float32), np.zeros(number, np.float32)
        self.worthwhile = 0  # candidates from which on dropping some pays
        self.products = torch.empty(number * BLOCK, dtype=torch.bfloat16)

    def add(self, blocks: list[_Block]) -> None:
        """Multiply with blocks of images and keep what may reach the floor."""
        room = self.bits.shape[1]
        for block in blocks:
            bits = self._multiply(block)
            if not self.worthwhile:
                self._raise_floor(_orderly(bits))
            place, count = _true_places(self._reaches(bits))
            if (self.filled + count).max() > room:
                self.drop()
                crowded = self.filled + np.count_nonzero(self._reaches(bits), axis=1) > room
                self.floor[crowded], self.filled[crowded] = np.inf, 0
                place, count = _true_places(self._reaches(bits))
            self._append(bits.ravel()[place], block.image[place % len(block.image)], count)
            if self.filled.sum() > self.worthwhile:
                self.drop()

    def drop(self) -> None:
        """Raise the floor to what the candidates tell and drop those that can't reach it."""
        widest = self.filled.max()
        bits, position = self.bits[:, :widest].copy(), self.position[:, :widest].copy()
        there = np.arange(widest) < self.filled[:, None]
        self._raise_floor(np.where(there, _orderly(bits), LEAST))
        place, count = _true_places(self._reaches(bits) & there)
        self.filled[:] = 0
        self._append(bits.ravel()[place], position.ravel()[place], count)
        self.worthwhile = 2 * self.filled.sum() + self.k * len(self.filled)

    def _multiply(self, block: _Block) -> np.ndarray:
        """The bits of the products with a block, (queries, images) int16, good until the next."""
        product = self.products[: len(self.floor) * len(block.image)].view(len(self.floor), -1)
        torch.mm(self.rounded, block.rounded.T, out=product)
        summed = SUMMED * block.rounded.shape[1] * (block.norm + block.loss)
        width = self.loss * block.norm + (self.norm + self.loss) * (block.loss + summed) + SLACK
        np.maximum(self.width, width, out=self.width)
        return product.view(torch.int16).numpy()

    def _raise_floor(self, order: np.ndarray) -> None:
        """Raise the floor to the k-th greatest lower end of products, by their orderly bits, which are overwritten."""
        if order.shape[1] >= self.k:
            order.partition(order.shape[1] - self.k, axis=1)
            value = _values(_orderly(order[:, -self.k]))
            np.fmax(self.floor, value - np.abs(value) * np.float32(ROUNDED) - self.width, out=self.floor)

    def _reaches(self, bits: np.ndarray) -> np.ndarray:
        """Whether each product, by its bits, may reach the floor."""
        return bits >= _bits_below((self.floor - self.width) / (1 + ROUNDED))[:, None]

    def _append(self, bits: np.ndarray, position: np.ndarray, count: np.ndarray) -> None:
        """Append candidates, in the order of their queries, of which each has count."""
        number, room = self.bits.shape
        start = np.cumsum(count) - count
        free = np.arange(len(bits)) + np.repeat(np.arange(number) * room + self.filled - start, count)
        self.bits.ravel()[free], self.position.ravel()[free] = bits, position
        self.filled += count


def _round(rows: torch.Tensor) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """float32 rows, which are overwritten, in bfloat16; the norms of the rows and of what they lost, (rows,) each."""
    rounded = rows.bfloat16()
    norm = torch.linalg.vector_norm(rows, dim=1).numpy() * NORMED
    return rounded, norm, torch.linalg.vector_norm(rows.sub_(rounded), dim=1).numpy() * NORMED


def _values(bits: np.ndarray) -> np.ndarray:
    """The numbers, float32, that the bits of bfloat16 stand for."""
    return (bits.astype(np.int32) << 16).view(np.float32)


def _true_places(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a mask, (queries, images), is true, as places in it flattened, and how often for each query."""
    place = np.flatnonzero(mask)
    return place, np.diff(np.searchsorted(place, np.arange(len(mask) + 1) * mask.shape[1]))


def _orderly(bits: np.ndarray) -> np.ndarray:
    """The bits of bfloat16, int16, so that they order as the numbers do; LEAST is of a NaN. Twice gives the bits."""
    return bits ^ (bits >> 15 & 0x7FFF)


def _bits_below(value: np.ndarray) -> np.ndarray:
    """The bits, as int16, of the bfloat16 at or below each float32; those of positive numbers order as the numbers do.

    The least int16 stands for what is not positive: nothing is below it.
    """
    bits = (value.astype(np.float32).view(np.int32) >> 16).astype(np.int16)
    return np.where(value > 0, bits, np.iinfo(np.int16).min).astype(np.int16)
