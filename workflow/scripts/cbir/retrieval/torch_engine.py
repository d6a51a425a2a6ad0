"""The torch engine proposes candidates for an exact search: by bfloat16 products on a CPU, by float32 ones on a GPU.

Neither product has to be right in its last bits: `search.search_exact` computes the similarities of all candidates
again in float64. What matters is that no image is left out that could be among the k nearest.

On the GPU this is simple. A few more than k images are taken by their float32 products, and the greatest product that
an image left out may have is returned with them.

On the CPU a processor with bfloat16 instructions multiplies several times as fast as in float32, but bfloat16 has only
8 significant bits. The rounding errors are therefore bounded. All index vectors x are taken relative to a center m,
c = x - m. This shifts all similarities of a query q by the same q m, so their order stays, and rounding errors shrink
with |c|. Let q' and c' be q and c rounded to bfloat16. Products of two bfloat16 numbers are exact in float32. They are
summed in float32 in any order, and the sum is rounded to bfloat16, which gives the computed product p. Then

    |q c - q' c'| = |(q - q') c + q' (c - c')| <= |q - q'| |c| + |q'| |c - c'|      the norms are measured
    |sum - q' c'| <= 1.01 d u |q'| |c'|,  u = 2^-23                                 Higham 2002, eq. 3.5, any rounding
    |p - sum|     <= 1.004 2^-8 |p|                                                 8 significant bits

so q c lies in the interval p ± (w + r |p|), where w adds up the first two lines and r is the factor of the third. Let
the floor of a query be the k-th greatest lower end of its intervals: k images are at least that similar. An image whose
upper end is below the floor is less similar than those k, so it is no candidate. SLACK widens both ends by far more
than the float32 rounding of c, of the ends themselves and of the final similarities (2^-24 each). Such an image is
therefore less similar after that rounding too, and no tie is lost.

The index passes by block after block. Each block adds the candidates that reach the floor as it is known by then. When
there are many, the floor is raised to what the candidates show, and those that no longer reach it are dropped.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import torch

from cbir.blocks import blocks
from cbir.errors import InputError

GPU_BLOCK = 32_768  # index images per block on a GPU: their products with 4,096 queries take 512 MB
BLOCK = 2048  # index images per block on a CPU: their products with 4,096 queries take 16 MB
CHUNK = 16  # blocks that are rounded before the queries are multiplied with them
RUN = 16  # consecutive images in a block; single images from all over the index would each wait for memory
CENTERED = 4096  # index images whose mean is the center
ROOM = 16  # times k, or 16 for smaller k: candidates of a query beyond which ranking them costs too much
CROWDED = 1 / 16  # share of crowded queries beyond which faiss is faster
ROUNDED = 1.01 * 2.0**-8  # relative error of a sum that was rounded to bfloat16
SUMMED = 1.01 * 2.0**-23  # relative error of a float32 sum, per term
NORMED = 1.001  # factor that makes up for the rounding of a norm that is summed in float32
SLACK = 2.0**-21  # added to w, to cover all float32 rounding that the module text leaves out of the formulas
LEAST = np.iinfo(np.int16).min  # reached by the bits of every product


def find_device(device: str) -> str:
    """Where to multiply: "cpu" or "cuda".

    device: "cpu", "cuda" or "auto", which takes CUDA where there is one. Raises InputError where CUDA is missing.
    """
    if device != "cpu" and torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError(
            "search.device is cuda, but torch finds no CUDA device on this machine; "
            "set search.device to cpu or auto, or run on a machine with a GPU"
        )
    return "cpu"


def propose_candidates(
    vectors: np.ndarray, queries: np.ndarray, k: int, depth: int, threads: int, device: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Candidates for the k nearest vectors of each query, ties included.

    vectors: (images, d) float32. queries: (queries, d) float32. depth: number of candidates to take on a GPU, k or
    more. threads: CPU threads. device: "cpu" or "cuda".

    Returns position, (queries, width) int64, which is -1 after the last candidate of a query, and left_out, (queries,)
    float32: the greatest float32 product with the query that a vector left out may have. left_out is -inf where all of
    the k nearest are candidates for certain. It is inf for a crowded query: one with too many candidates, none of which
    is returned. Returns None where so many queries are crowded that faiss is faster.

    >>> vectors = np.eye(3, dtype=np.float32)
    >>> propose_candidates(vectors, vectors[1:2], k=1, depth=1, threads=1, device="cpu")
    (array([[1]]), array([-inf], dtype=float32))
    """
    with _torch_settings():
        if device == "cpu":
            return _propose_by_bfloat16(vectors, queries, k, threads)
        return _propose_by_float32(vectors, queries, depth, torch.device(device))


@contextmanager
def _torch_settings() -> Iterator[None]:
    """One CPU thread per product, since each thread multiplies its own queries; float32 products without TF32."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def _propose_by_float32(
    vectors: np.ndarray, queries: np.ndarray, depth: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """The `depth` vectors with the greatest float32 products, and the last of these products."""
    on_device = torch.from_numpy(queries).to(device)
    product = torch.empty((len(queries), 0), device=device)
    position = torch.empty((len(queries), 0), dtype=torch.int64, device=device)
    for block in blocks(len(vectors), GPU_BLOCK):
        found = on_device @ torch.from_numpy(vectors[block]).to(device).T
        found, place = found.topk(min(depth, found.shape[1]))
        product, position = torch.hstack([product, found]), torch.hstack([position, place + block.start])
        product, chosen = product.topk(min(depth, product.shape[1]))
        position = position.gather(1, chosen)
    last = product[:, -1] if depth < len(vectors) else torch.full_like(product[:, -1], -torch.inf)
    return position.cpu().numpy(), last.cpu().numpy()


@dataclass
class _Share:
    """Some of the queries in bfloat16, and their candidates so far.

    rounded: (queries, d) bfloat16. norm, loss: (queries,) float32, |q| and |q - q'|. floor: (queries,) float32, a
    similarity relative to the center that at least k images reach; inf for a crowded query. width: (queries,) float32,
    the greatest w of the blocks so far. count: (queries,) int, number of candidates. found: the candidates in parts,
    each with arrays (query, image, product) of shape (candidates,) in the order of the queries. kept: number of
    candidates that the last drop left.
    """

    rounded: torch.Tensor
    norm: np.ndarray
    loss: np.ndarray
    floor: np.ndarray
    width: np.ndarray
    count: np.ndarray
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    kept: int = 0


@dataclass(frozen=True)
class _Block:
    """Index images in bfloat16.

    image: (images,) int32 positions. rounded: (images, d) bfloat16, relative to the center. norm, loss: the greatest
    |c| and |c - c'| of the block.
    """

    image: np.ndarray
    rounded: torch.Tensor
    norm: np.float32
    loss: np.float32


def _propose_by_bfloat16(
    vectors: np.ndarray, queries: np.ndarray, k: int, threads: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The vectors that bfloat16 products cannot exclude from the k nearest; left_out is -inf, or inf where crowded."""
    number = -(-len(vectors) // BLOCK)
    center = vectors[:: max(1, len(vectors) // CENTERED)].mean(axis=0)
    shares = [_round_queries(part) for part in np.array_split(queries, min(threads, len(queries)))]
    with ThreadPoolExecutor(threads) as pool:
        for chunk in blocks(number, CHUNK):
            numbers = range(number)[chunk]
            images = list(pool.map(_round_images, repeat(vectors), repeat(center), numbers, repeat(number)))
            list(pool.map(_add_candidates, shares, repeat(images), repeat(k)))
            if sum(np.isposinf(share.floor).sum() for share in shares) > CROWDED * len(queries):
                return None
        list(pool.map(_drop_candidates, shares, repeat(k)))
    positions = [_pad(query, image, len(share.floor), -1) for share in shares for query, image, _ in share.found]
    width = max(k, *(position.shape[1] for position in positions))
    position = np.full((len(queries), width), -1)
    for rows, part in zip(np.array_split(position, len(shares)), positions, strict=True):
        rows[:, : part.shape[1]] = part
    floor = np.concatenate([share.floor for share in shares])
    return position, np.where(np.isposinf(floor), np.inf, -np.inf).astype(np.float32)


def _round_queries(queries: np.ndarray) -> _Share:
    """A share of float32 queries, (queries, d), without candidates."""
    rounded, norm, loss = _round(torch.from_numpy(queries.copy()))
    floor, width = np.full(len(queries), -np.inf, np.float32), np.zeros(len(queries), np.float32)
    return _Share(rounded, norm, loss, floor, width, np.zeros(len(queries), np.int64))


def _round_images(vectors: np.ndarray, center: np.ndarray, block: int, number: int) -> _Block:
    """One of `number` blocks. It takes runs of images from all over the index, so that all blocks are similar."""
    runs = np.arange(block * RUN, len(vectors), number * RUN, dtype=np.int32)
    image = np.add.outer(runs, np.arange(RUN, dtype=np.int32)).ravel()
    image = image[image < len(vectors)]
    rounded, norm, loss = _round(torch.from_numpy(vectors.take(image, axis=0)).sub_(torch.from_numpy(center)))
    return _Block(image, rounded, norm.max(), loss.max())


def _round(rows: torch.Tensor) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """float32 rows in bfloat16, their norms and the norms of the rounding errors, (rows,) each; overwrites the rows."""
    rounded = rows.bfloat16()
    norm = torch.linalg.vector_norm(rows, dim=1).numpy() * NORMED
    return rounded, norm, torch.linalg.vector_norm(rows.sub_(rounded), dim=1).numpy() * NORMED


def _half_width(share: _Share, block: _Block) -> np.ndarray:
    """w of the intervals of a share's queries with a block of images, (queries,) float32."""
    summed = SUMMED * block.rounded.shape[1] * (block.norm + block.loss)
    return share.loss * block.norm + (share.norm + share.loss) * (block.loss + summed) + SLACK


def _add_candidates(share: _Share, images: Sequence[_Block], k: int) -> None:
    """Multiply a share's queries with blocks of images and keep the images that may reach the floor."""
    memory = torch.empty(len(share.floor) * BLOCK, dtype=torch.bfloat16)
    for block in images:
        bits = _multiply(share, block, memory)
        share.width = np.maximum(share.width, _half_width(share, block))
        if not share.found and bits.shape[1] >= k:
            greatest = np.partition(bits, -k, axis=1)[:, -k]
            # Negative bfloat16 numbers do not order as their bits do, so they raise no floor.
            _raise_floor(share, np.where(greatest > 0, _numbers(greatest), -np.inf))
        least = _bits_at_most((share.floor - share.width) / (1 + ROUNDED))
        place = np.flatnonzero(bits >= least[:, None])  # fast, and excludes nearly all
        query, column = np.divmod(place, bits.shape[1])
        product = _numbers(bits.ravel()[place])
        keep = _reaches_floor(share, query, product)
        share.found.append((query[keep].astype(np.int32), block.image[column[keep]], product[keep]))
        share.count += np.bincount(query[keep], minlength=len(share.count))
        if share.count.sum() > 2 * share.kept + k * len(share.count) or share.count.max() > _room(k):
            _drop_candidates(share, k)


def _multiply(share: _Share, block: _Block, memory: torch.Tensor) -> np.ndarray:
    """The bits of the bfloat16 products, (queries, images) int16, in `memory`."""
    product = memory[: len(share.rounded) * len(block.rounded)].view(len(share.rounded), -1)
    torch.mm(share.rounded, block.rounded.T, out=product)
    return product.view(torch.int16).numpy()


def _drop_candidates(share: _Share, k: int) -> None:
    """Raise the floor to what the candidates show and drop those that cannot reach it, and those of crowded queries."""
    query, image, product = map(np.concatenate, zip(*share.found, strict=True))
    order = np.argsort(query, kind="stable")
    query, image, product = query[order], image[order], product[order]
    table = _pad(query, product, len(share.count), -np.inf)
    if table.shape[1] >= k:
        _raise_floor(share, np.partition(table, -k, axis=1)[:, -k])
    keep = _reaches_floor(share, query, product)
    share.floor[np.bincount(query[keep], minlength=len(share.count)) > _room(k)] = np.inf
    keep &= ~np.isposinf(share.floor)[query]
    share.found = [(query[keep], image[keep], product[keep])]
    share.count, share.kept = np.bincount(query[keep], minlength=len(share.count)), np.count_nonzero(keep)


def _room(k: int) -> int:
    """Candidates of a query beyond which it is crowded."""
    return ROOM * max(k, 16)


def _raise_floor(share: _Share, product: np.ndarray) -> None:
    """Raise the floor of each query to the lower end of its k-th greatest product."""
    share.floor = np.maximum(share.floor, product - np.abs(product) * np.float32(ROUNDED) - share.width)


def _reaches_floor(share: _Share, query: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Whether the upper end of each product, of the query beside it, reaches the floor: (candidates,) bool."""
    return product + np.abs(product) * np.float32(ROUNDED) + share.width[query] >= share.floor[query]


def _pad(query: np.ndarray, value: np.ndarray, queries: int, fill: float) -> np.ndarray:
    """A table with one row per query of the values that belong to it, filled up at the end; query must ascend.

    >>> _pad(np.array([0, 2, 2]), np.array([7, 8, 9]), 3, -1)
    array([[ 7, -1],
           [-1, -1],
           [ 8,  9]])
    """
    count = np.bincount(query, minlength=queries)
    table = np.full((queries, count.max()), fill, value.dtype)
    table[query, np.arange(len(query)) - np.repeat(np.cumsum(count) - count, count)] = value
    return table


def _numbers(bits: np.ndarray) -> np.ndarray:
    """The bfloat16 numbers of these bits, int16, as float32."""
    return (bits.astype(np.int32) << 16).view(np.float32)


def _bits_at_most(number: np.ndarray) -> np.ndarray:
    """The bits, int16, of the greatest bfloat16 at or below each float32, for a comparison with the bits of products.

    The bits of positive bfloat16 numbers order as the numbers do, and those of negative ones are negative. For a number
    that is not positive the result is the least int16, which all bits reach.
    """
    bits = (number.astype(np.float32).view(np.int32) >> 16).astype(np.int16)
    return np.where(number > 0, bits, LEAST)
