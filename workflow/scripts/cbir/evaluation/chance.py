"""The chance level of each retrieval metric: what a random order of the same index images is expected to score."""

import numpy as np
from scipy.special import xlog1py

from cbir.evaluation.metrics import rank_discounts


def precision_by_chance(available: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Expected precision, at any depth, and R-precision: n / N.

    available: (labels,) int, n, index images with the label. images: (labels,) int, N, index images that are ranked for
    a query with the label. Returns (labels,) float; NaN where n is 0, as in all that follows.
    """
    return np.where(available > 0, available / np.maximum(images, 1), np.nan)


def recall_by_chance(available: np.ndarray, images: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Expected recall at each of some depths k, (labels,) twice and (depths,) to (labels, depths): k / N."""
    ranked = np.minimum(depths, images[:, None])
    return np.where(available[:, None] > 0, ranked / np.maximum(images, 1)[:, None], np.nan)


def average_precision_by_chance(available: np.ndarray, images: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Expected average precision at k; arguments and result as for recall_by_chance.

    The image at rank i is a hit with probability n / N, and each of the i - 1 before it then is with probability
    (n - 1) / (N - 1), so that the expected sum of precisions is
    n / N * sum over i <= k of (1 + (i - 1) (n - 1) / (N - 1)) / i.
    """
    n, share = available[:, None], precision_by_chance(available, images)[:, None]
    ranked = np.minimum(depths, images[:, None])
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, depths.max() + 1)))[ranked]
    another = (n - 1) / np.maximum(images[:, None] - 1, 1)
    return share * (another * ranked + (1 - another) * harmonic) / np.maximum(np.minimum(depths, n), 1)


def normalized_gain_by_chance(available: np.ndarray, images: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Expected nDCG at k, n / N times the discounts of k ranks over those of min(k, n); as for recall_by_chance."""
    sums = np.append(0, np.cumsum(rank_discounts(depths.max())))
    found = sums[np.minimum(depths, images[:, None])]
    return precision_by_chance(available, images)[:, None] * found / sums[np.clip(available[:, None], 1, depths)]


def reciprocal_rank_by_chance(available: np.ndarray, images: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Expected reciprocal rank of the first hit, 0 beyond k; arguments and result as for recall_by_chance.

    Each rank is the first hit's with the probability that all before it are misses, drawn without replacement, and that
    it is a hit.
    """
    n, N = available[:, None], images[:, None]
    before = np.arange(depths.max())
    left = np.maximum(N - before, 1)
    missed = np.cumprod(np.clip((N - n - before) / left, 0, 1), axis=1)
    missed = np.column_stack([np.ones(len(n)), missed[:, :-1]])
    expected = np.cumsum(missed * n / left / (before + 1), axis=1)[:, depths - 1]
    return np.where(n > 0, expected, np.nan)


def majority_vote_by_chance(available: np.ndarray, group: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """The probability that each label wins the vote of the first k images of its group, in random order.

    available, group: (labels,) int, index images of each label, and its group's code. depths: (depths,) int. Returns
    (labels, depths) float; those of a group add up to 1.
    """
    expected = np.full((len(available), len(depths)), np.nan)
    for one in np.unique(group[available > 0]):
        members = np.flatnonzero((group == one) & (available > 0))
        for column, depth in enumerate(depths):
            expected[members, column] = _win_vote(available[members], depth)
    return expected


def _win_vote(available: np.ndarray, depth: int) -> np.ndarray:
    """The probability that each label, with (labels,) images, wins the vote of the first `depth`: (labels,) float.

    Votes are a draw without replacement: independent binomial counts of the labels, given that they add up to `depth`.
    A label wins with m votes where no other has more, and with probability 1 / (1 + t) where t others have m, since
    any of them may have the nearest. The sum over all counts of the others is the coefficient of x^(depth - m) in the
    product of their generating polynomials up to x^m, read off by a discrete Fourier transform; with a factor y on each
    count of m it is integrated over y from 0 to 1, because the integral of y^t is 1 / (1 + t).
    """
    images = int(available.sum())
    depth = min(depth, images)
    share = depth / images
    chances = _binomial(available, share, depth)
    points = 4 * depth + 64  # the chance of as many votes, which alias, is below 1e-20
    x = np.exp(2j * np.pi * np.arange(points) / points)
    wins = np.zeros(len(available))
    for votes in range(1, depth + 1):
        nodes, weights = np.polynomial.legendre.leggauss((depth - votes) // votes // 2 + 1)
        fewer = chances[:, :votes] @ x ** np.arange(votes)[:, None]
        others = _product_of_others(fewer + (nodes[:, None, None] + 1) / 2 * chances[:, [votes]] * x**votes)
        coefficients = (others @ x ** (votes - depth)).real / points
        wins += chances[:, votes] * (weights / 2 @ coefficients)
    return wins / _binomial(np.array([images]), share, depth)[0, depth]


def _binomial(trials: np.ndarray, share: float, depth: int) -> np.ndarray:
    """Binomial probabilities of 0 to `depth` successes: (n,) int trials to (n, depth + 1).

    scipy.stats has them too, but takes as long to import as all else that a job imports.
    """
    before = np.arange(depth)
    ways = np.cumprod((trials[:, None] - before).clip(0) * share / (before + 1), axis=1)
    failures = (trials[:, None] - np.arange(depth + 1)).clip(0)
    return np.column_stack([np.ones(len(trials)), ways]) * np.exp(xlog1py(failures, -share))


def _product_of_others(factors: np.ndarray) -> np.ndarray:
    """For each label the product of the others' factors: (nodes, labels, points) to the same shape."""
    ones = np.ones_like(factors[:, :1])
    before = np.cumprod(np.concatenate([ones, factors[:, :-1]], axis=1), axis=1)
    after = np.cumprod(np.concatenate([ones, factors[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return before * after
