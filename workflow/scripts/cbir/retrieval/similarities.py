"""Similarities of an exact search: how two vectors are compared, and what rounding can do to a float32 proposal.

faiss compares in float32, and the last bits of its values depend on threads and blocks. A search therefore takes them
as a proposal only. Each `Similarity` says what faiss's values mean, gives the similarity of a pair that a search
reports, and decides which images a proposal may have missed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np

ROUNDING = 2.0**-24  # largest relative error of rounding to float32
WIDE_ROUNDING = 2.0**-53  # the same for float64
# half of the largest squared norm that float32 holds, beyond which faiss's sums may overflow
OVERFLOW = 1e38
# more than what the d terms of a float32 sum lose by underflow
UNDERFLOW = 1e-33


@dataclass(frozen=True)
class Similarity:
    """A way to compare vectors; the most similar image is the nearest.

    name: for messages. metric: faiss's constant. convert: faiss's values, float32, to similarities of the same shape.
    compare: vectors (..., d) float and queries (..., d) float64 to the similarity of each pair, (...,) float32. Each
    pair is summed by itself in float64 in one fixed order, so equal vectors have equal similarities wherever they
    stand. A matrix product does not promise that.

    may_miss: whether an image left out of a proposal may belong to the k nearest, (queries,) bool. It takes the
    greatest float32 similarity of an image left out, (queries,) float, -inf where none is left out; the queries,
    (queries, d) float32; and the k-th similarities of the images proposed, (queries,) float32.

    may_reach: whether an image may have at least a similarity, (queries, images) bool, by float64 products. It takes
    queries (queries, d) float64, vectors (images, d) float64 and the similarities (queries,) float64.
    """

    name: str
    metric: int
    convert: Callable[[np.ndarray], np.ndarray]
    compare: Callable[[np.ndarray, np.ndarray], np.ndarray]
    may_miss: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    may_reach: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def rounding_bound(dimensions: int) -> float:
    """Largest difference between a float32 inner product of two unit vectors and their similarity.

    A float32 inner product of d terms, summed in any order, is off by at most d u / (1 - d u) |q| |x| with u = 2^-24
    (Higham 2002, "Accuracy and Stability of Numerical Algorithms", eq. 3.5). Rounding the float64 sum to float32 adds
    u. The factor 1.01 covers 1 / (1 - d u) and norms slightly above 1.

    >>> f"{rounding_bound(512):.1e}"
    '3.1e-05'
    """
    return 1.01 * (dimensions + 2) * ROUNDING


def inner_products(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Cosine similarity of each unit vector with its query: the inner product in float64, rounded to float32.

    vectors: (..., d) float. queries: (..., d) float64.

    >>> inner_products(np.array([[0.6, 0.8], [1, 0]]), np.array([0.0, 1.0]))
    array([0.8, 0. ], dtype=float32)
    """
    return np.vecdot(vectors.astype(np.float64, copy=False), queries).astype(np.float32)


def _product_may_miss(left_out: np.ndarray, queries: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    return left_out + rounding_bound(queries.shape[1]) >= similarity


def _product_may_reach(queries: np.ndarray, vectors: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """A float64 product differs by less than 1e-10 from the sum that is rounded to float32, by at most 2^-24."""
    return queries @ vectors.T >= (similarity - 2 * ROUNDING)[:, None]


def negative_distances(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Negative Euclidean distance of each vector from its query, computed in float64 and rounded to float32.

    vectors: (..., d) float. queries: (..., d) float64.

    >>> negative_distances(np.array([[3.0, 4.0], [0.5, 0.0]]), np.array([0.0, 0.0]))
    array([-5. , -0.5], dtype=float32)
    """
    difference = vectors.astype(np.float64, copy=False) - queries
    return -np.sqrt(np.vecdot(difference, difference)).astype(np.float32)


def distance_bound(norms: np.ndarray, distances: np.ndarray, dimensions: int, rounding: float) -> np.ndarray:
    """Largest error of a computed squared distance, for the images that lie within `distances` of their queries.

    norms: (queries,) float64, those of the queries. distances: (queries,) float64. rounding: u of the number format.

    The sum |q|² + |x|² - 2 q x has three inner products of d terms, each off by at most d u / (1 - d u) times |q|²,
    |x|² or |q| |x| (Higham 2002, eq. 3.5), and two additions of numbers up to (|q| + |x|)². Its error is therefore
    below 1.01 (d + 4) u (|q| + |x|)². The sum of (q - x)² has a smaller one. An image within the distance has a norm of
    at most |q| + distance. The factor 1.01 covers 1 / (1 - d u) and the rounding of `norms`.

    >>> distance_bound(np.array([1.0]), np.array([0.0]), 512, 2.0**-24).round(7)
    array([0.0001243])
    """
    return 1.01 * (dimensions + 4) * rounding * (2 * norms + distances) ** 2 + dimensions * UNDERFLOW


def _distance_may_miss(left_out: np.ndarray, queries: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """An image that was left out is farther for certain if its computed distance exceeds the k-th by the bound."""
    wide = queries.astype(np.float64)
    norms, distances = np.sqrt(np.vecdot(wide, wide)), _widen(similarity)
    bound = distance_bound(norms, distances, queries.shape[1], ROUNDING)
    holds = (2 * norms + distances) ** 2 < OVERFLOW
    return ~(holds & (left_out.astype(np.float64) ** 2 > distances**2 + bound))


def _distance_may_reach(queries: np.ndarray, vectors: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    squares, distances = np.vecdot(queries, queries), _widen(similarity)
    bound = distance_bound(np.sqrt(squares), distances, queries.shape[1], WIDE_ROUNDING)
    squared = squares[:, None] + np.vecdot(vectors, vectors) - 2 * (queries @ vectors.T)
    return squared <= (distances**2 + bound)[:, None]


def _widen(similarity: np.ndarray) -> np.ndarray:
    """The greatest distances, float64, that are rounded to these negative float32 distances."""
    return -similarity.astype(np.float64) * (1 + 2 * ROUNDING)


def _convert_squares(squared: np.ndarray) -> np.ndarray:
    """Negative distances, float64, from squared ones, of which an approximate index may estimate some below 0."""
    return -np.sqrt(np.maximum(squared, 0), dtype=np.float64)


COSINE = Similarity(
    "inner product",
    faiss.METRIC_INNER_PRODUCT,
    np.asarray,
    inner_products,
    _product_may_miss,
    _product_may_reach,
)
EUCLIDEAN = Similarity(
    "Euclidean distance",
    faiss.METRIC_L2,
    _convert_squares,
    negative_distances,
    _distance_may_miss,
    _distance_may_reach,
)


def choose_similarity(norms: np.ndarray | None) -> Similarity:
    """EUCLIDEAN for embeddings that come with the norms of their raw features, COSINE for those without.

    >>> choose_similarity(None).name
    'inner product'
    """
    return COSINE if norms is None else EUCLIDEAN
