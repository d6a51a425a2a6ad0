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

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
import torch

BLOCK = 2048  # index images at a time: their products with 4,096 queries take 16 MB
RUN = 16  # neighboring images in a block: reading single ones from all over waits for memory
FIRST = 4096  # index images that give the first floors
KEPT = 16  # candidates a query, times k, past which the bound excludes too little to be worth it
ROUNDED = 1.01 * 2.0**-8  # relative error of a sum that was rounded to bfloat16
SUMMED = 1.01 * 2.0**-23  # relative error of a float32 sum, a term
NORMED = 1.001  # what a norm that is summed in float32 may be too small
SLACK = 2.0**-21


def find_candidates(
    vectors: np.ndarray, queries: np.ndarray, k: int, threads: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """A superset of each query's k nearest vectors, ties included.

    vectors: (images, d) float32. queries: (queries, d) float32. Returns positions, (candidates,) int32, those of query
    i from first[i] to first[i + 1], and first, (queries + 1,) int64. None where more than KEPT * k a query are left.
    """
    torch.set_num_threads(1)  # each thread multiplies blocks of its own
    number = len(queries)
    product = _Product(vectors, queries)
    first = min(product.blocks, -(-max(FIRST, 8 * k) // BLOCK))
    limit = KEPT * k * number
    with ThreadPoolExecutor(threads) as pool:
        lower = np.concatenate(list(pool.map(product.lower_ends, range(first)))).T.copy()
        lower.partition(lower.shape[1] - k, axis=1)
        floor = lower[:, -k].copy()
        found = []
        start, stop = 0, first
        while start < product.blocks:
            shares = [range(start + thread, stop, threads) for thread in range(threads)]
            found += pool.map(product.reaching, shares, repeat(floor), repeat(limit // threads))
            if any(part is None for part in found):
                return None
            query, position, low, high = (np.concatenate(column) for column in zip(*found, strict=True))
            floor = np.maximum(floor, _kth_greatest(query, low, k, number))
            kept = high >= floor[query]
            found = [(query[kept], position[kept], low[kept], high[kept])]
            if len(found[0][0]) > limit:
                return None
            start, stop = stop, min(product.blocks, 2 * stop)
    query, position, _, _ = found[0]
    first = np.concatenate([[0], np.cumsum(np.bincount(query, minlength=number))])
    return position[np.argsort(query, kind="stable")], first


class _Product:
    """The product of the queries with blocks of the index vectors, and how far it may be off."""

    def __init__(self, vectors: np.ndarray, queries: np.ndarray):
        self.vectors = vectors
        self.blocks = -(-len(vectors) // BLOCK)
        self.center = torch.from_numpy(vectors[:: max(1, len(vectors) // FIRST)].mean(axis=0))
        rounded = torch.empty(queries.shape, dtype=torch.bfloat16)
        self.norm, self.loss = _round(torch.from_numpy(queries.copy()), rounded)
        self.rounded = rounded.T

    def lower_ends(self, block: int) -> np.ndarray:
        """What the similarities of a block reach at least, relative to the center: (images, queries) float32."""
        [(_, product, width)] = self._multiply([block])
        value = product.float().numpy()
        return value - np.abs(value) * np.float32(ROUNDED) - width

    def reaching(
        self, blocks: Iterable[int], floor: np.ndarray, limit: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Query, position, lower and upper end of the similarities that may reach the floor, (queries,) float32.

        None where there are more than limit.
        """
        parts, count = [], 0
        mask = np.empty((BLOCK, len(floor)), bool)
        for image, product, width in self._multiply(blocks):
            bits = product.view(torch.int16).numpy()
            reached = np.greater_equal(bits, _bits_below((floor - width) / (1 + ROUNDED)), out=mask[: len(bits)])
            flat = np.flatnonzero(reached)
            count += len(flat)
            if count > limit:
                return None
            place = flat // len(floor)
            query = (flat - place * len(floor)).astype(np.int32)
            value = (bits[place, query].astype(np.int32) << 16).view(np.float32)
            off = width[query] + np.abs(value) * np.float32(ROUNDED)
            parts.append((query, image[place], value - off, value + off))
        empty = tuple(np.empty(0, kind) for kind in (np.int32, np.int32, np.float32, np.float32))
        return tuple(np.concatenate(column) for column in zip(empty, *parts, strict=True))

    def _multiply(self, blocks: Iterable[int]) -> Iterator[tuple[np.ndarray, torch.Tensor, np.ndarray]]:
        """The images of each block, their product, (images, queries) bfloat16, and its width, (queries,) float32.

        A product is good until the next. A block is runs of images from all over the index, so that all are alike.
        """
        dimensions = self.vectors.shape[1]
        relative = torch.empty((BLOCK, dimensions))
        rounded = torch.empty((BLOCK, dimensions), dtype=torch.bfloat16)
        products = torch.empty((BLOCK, self.rounded.shape[1]), dtype=torch.bfloat16)
        for block in blocks:
            runs = np.arange(block * RUN, len(self.vectors), self.blocks * RUN, dtype=np.int32)
            image = np.add.outer(runs, np.arange(RUN, dtype=np.int32)).ravel()
            image = image[image < len(self.vectors)]
            part = slice(len(image))
            self.vectors.take(image, axis=0, out=relative[part].numpy(), mode="clip")
            relative[part] -= self.center
            norm, loss = (values.max() for values in _round(relative[part], rounded[part]))
            torch.mm(rounded[part], self.rounded, out=products[part])
            summed = SUMMED * dimensions * (norm + loss)
            yield image, products[part], (self.loss * norm + (self.norm + self.loss) * (loss + summed) + SLACK)


def _round(rows: torch.Tensor, rounded: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Round float32 rows to bfloat16; the norms of the rows, which are overwritten, and of what they lost, (rows,)."""
    rounded.copy_(rows)
    norm = torch.linalg.vector_norm(rows, dim=1).numpy() * NORMED
    return norm, torch.linalg.vector_norm(rows.sub_(rounded), dim=1).numpy() * NORMED


def _bits_below(value: np.ndarray) -> np.ndarray:
    """The bits, as int16, of the bfloat16 at or below each float32; those of positive numbers order as the numbers do.

    The least int16 stands for what is not positive: nothing is below it.
    """
    bits = (value.astype(np.float32).view(np.int32) >> 16).astype(np.int16)
    return np.where(value > 0, bits, np.iinfo(np.int16).min).astype(np.int16)


def _kth_greatest(query: np.ndarray, value: np.ndarray, k: int, queries: int) -> np.ndarray:
    """The k-th greatest value, within +-2, of each query, (queries,) float32; each query has k values or more."""
    ordered = np.sort(query * 4.0 - value)
    counts = np.bincount(query, minlength=queries)
    return (np.arange(queries) * 4.0 - ordered[np.cumsum(counts) - counts + k - 1]).astype(np.float32)
