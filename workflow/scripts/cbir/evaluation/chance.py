"""The chance level of each retrieval metric: the score to expect of a random order of the same index images.

Each function takes a level, with n index images of a label among the N that are ranked for it, and (depths,) int depths
k. It returns the expected value for a query of each label, (labels, depths) float64, NaN where n is 0.
"""

import numpy as np

from cbir.evaluation.levels import Level

DRAWS = 20_000  # random orders of a simulation; the standard error of a share is 0.0035 at most
BLOCK = 4_000_000  # int64 votes of labels in draws that are held at once: 32 MB


def precision_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected precision, at any depth, and expected R-precision: n / N.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> precision_by_chance(level, np.array([1, 2]))
    array([[0.25, 0.25],
           [0.75, 0.75]])
    """
    share = np.where(level.available > 0, level.available / np.maximum(level.ranked, 1), np.nan)
    return np.repeat(share[:, None], len(depths), axis=1)


def recall_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected recall: k / N.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> recall_by_chance(level, np.array([1, 2]))
    array([[0.25, 0.5 ],
           [0.25, 0.5 ]])
    """
    ranked = np.minimum(depths, level.ranked[:, None])
    return np.where(level.available[:, None] > 0, ranked / np.maximum(level.ranked, 1)[:, None], np.nan)


def average_precision_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected average precision.

    The image at rank i is a hit with probability n / N. Given that, each of the i - 1 images before it is a hit with
    probability (n - 1) / (N - 1). The expected sum of precisions is therefore
    n / N * sum over i <= k of (1 + (i - 1) (n - 1) / (N - 1)) / i, and is divided by min(k, n).

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> average_precision_by_chance(level, np.array([1, 2])).round(3)
    array([[0.25 , 0.375],
           [0.75 , 0.688]])
    """
    n, share = level.available[:, None], precision_by_chance(level, depths[:1])
    ranked = np.minimum(depths, level.ranked[:, None])
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, depths.max() + 1)))[ranked]
    another = (n - 1) / np.maximum(level.ranked[:, None] - 1, 1)
    return share * (another * ranked + (1 - another) * harmonic) / np.maximum(np.minimum(depths, n), 1)


def rank_discounts(depth: int) -> np.ndarray:
    """1 / log2(i + 1) for the ranks i from 1 to `depth`, the weights of nDCG.

    >>> rank_discounts(3).round(3)
    array([1.   , 0.631, 0.5  ])
    """
    return 1 / np.log2(np.arange(2, depth + 2))


def normalized_gain_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected nDCG: n / N times the discounts of k ranks, divided by the discounts of min(k, n) ranks.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> normalized_gain_by_chance(level, np.array([1, 2])).round(3)
    array([[0.25 , 0.408],
           [0.75 , 0.75 ]])
    """
    sums = np.append(0, np.cumsum(rank_discounts(depths.max())))
    found = sums[np.minimum(depths, level.ranked[:, None])]
    ideal = sums[np.clip(level.available[:, None], 1, depths)]
    return precision_by_chance(level, depths[:1]) * found / ideal


def reciprocal_rank_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected reciprocal rank of the first hit, 0 beyond k.

    The first hit has rank i with the probability that all images before it are misses, drawn without replacement, and
    that the i-th is a hit.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> reciprocal_rank_by_chance(level, np.array([1, 2])).round(3)
    array([[0.25 , 0.375],
           [0.75 , 0.875]])
    """
    n, N = level.available[:, None], level.ranked[:, None]
    before = np.arange(depths.max())
    left = np.maximum(N - before, 1)
    missed = np.cumprod(np.clip((N - n - before) / left, 0, 1), axis=1)
    missed = np.column_stack([np.ones(len(n)), missed[:, :-1]])
    expected = np.cumsum(missed * n / left / (before + 1), axis=1)[:, depths - 1]
    return np.where(n > 0, expected, np.nan)


def majority_vote_by_chance(level: Level, depths: np.ndarray, seed: int = 0) -> np.ndarray:
    """Probability that a label wins the vote of the first k images of its group in random order, by simulation.

    seed: the same for every experiment unless given, so that the chance level of an index never varies. The
    probabilities of a group's labels add up to 1.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> majority_vote_by_chance(level, np.array([1, 4])).round(1)  # of four images, b has three
    array([[0.3, 0. ],
           [0.7, 1. ]])
    """
    expected = np.full((len(level.available), len(depths)), np.nan)
    for group in np.unique(level.group_of_label[level.available > 0]):
        members = np.flatnonzero((level.group_of_label == group) & (level.available > 0))
        for column, depth in enumerate(depths):
            expected[members, column] = _simulate_vote(level.available[members], depth, seed)
    return expected


def _simulate_vote(available: np.ndarray, depth: int, seed: int) -> np.ndarray:
    """Share of random orders in which each label wins the vote of the first `depth` images: (labels,) float.

    available: (labels,) int, images of each label, 1 or more. Votes of the first images are a draw without replacement.
    Labels with equally many votes share the win, because the nearest image is equally likely to be of any of them.
    """
    generator = np.random.default_rng([seed, depth])
    depth = min(depth, available.sum())
    # One way of drawing takes time for each image drawn, the other for each label.
    method = "count" if depth < len(available) else "marginals"
    wins = np.zeros(len(available))
    step = max(1, BLOCK // len(available))
    for start in range(0, DRAWS, step):
        size = min(step, DRAWS - start)
        votes = generator.multivariate_hypergeometric(available, depth, size=size, method=method)
        tied = votes == votes.max(axis=1, keepdims=True)
        wins += (tied / tied.sum(axis=1, keepdims=True)).sum(axis=0)
    return wins / DRAWS
