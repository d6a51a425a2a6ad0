"""The chance level of each retrieval metric: the score to expect of a random order of the same index images.

Each function takes a level, with n index images of a label among the N that are ranked for it, and (depths,) int depths
k. It returns the expected value for a query of each label, (labels, depths) float64, NaN where n is 0.
"""

from collections.abc import Callable

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


def found_average_precision_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Expected average precision over the hits found.

    Let m = min(k, N) images be seen, H of them hits. Given H, the hits lie anywhere among the m ranks, and the mean of
    their precisions is expected to be (h + (m - h) (H - 1) / (m - 1)) / m, with h = 1 + 1/2 + ... + 1/m. It is linear
    in H, so that the expectation needs only the mean of H, m n / N, and the probability of a hit.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> found_average_precision_by_chance(level, np.array([1, 2])).round(3)
    array([[0.25 , 0.375],
           [0.75 , 0.875]])
    """
    seen = np.minimum(depths, level.ranked[:, None])
    any_hit = hit_rate_by_chance(level, depths)
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, depths.max() + 1)))[seen]
    more_hits = seen * precision_by_chance(level, depths) - any_hit  # expected hits beyond the first
    rise = (seen - harmonic) / np.maximum(seen - 1, 1)
    return (harmonic * any_hit + rise * more_hits) / np.maximum(seen, 1)


def hit_rate_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """Probability of a hit among the first k, by the hypergeometric distribution.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> hit_rate_by_chance(level, np.array([1, 2]))
    array([[0.25, 0.5 ],
           [0.75, 1.  ]])
    """
    return np.where(level.available[:, None] > 0, 1 - _missed(level, depths.max())[:, depths], np.nan)


def _missed(level: Level, depth: int) -> np.ndarray:
    """Probability that the first i images are all misses, for i from 0 to `depth`: (labels, depth + 1) float64.

    The images are drawn without replacement.
    """
    before = np.arange(depth)
    misses = level.ranked[:, None] - level.available[:, None] - before
    left = np.maximum(level.ranked[:, None] - before, 1)
    return np.column_stack([np.ones(len(left)), np.cumprod(np.clip(misses / left, 0, 1), axis=1)])


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
    n, before = level.available[:, None], np.arange(depths.max())
    left = np.maximum(level.ranked[:, None] - before, 1)
    missed = _missed(level, depths.max())[:, :-1]
    expected = np.cumsum(missed * n / left / (before + 1), axis=1)[:, depths - 1]
    return np.where(n > 0, expected, np.nan)


def majority_vote_by_chance(level: Level, depths: np.ndarray, seed: int = 0) -> np.ndarray:
    """Probability that a label wins the vote of the first k images of its group in random order, by simulation.

    Labels with equally many votes share the win, because the nearest image is equally likely to be of any of them. The
    probabilities of a group's labels add up to 1. seed: the same for every experiment unless given, so that the chance
    level of an index never varies.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> majority_vote_by_chance(level, np.array([1, 4])).round(1)  # of four images, b has three
    array([[0.3, 0. ],
           [0.7, 1. ]])
    """
    return _vote_by_chance(level, depths, seed, lambda tied: tied / tied.sum(axis=1, keepdims=True))


def tied_majority_vote_by_chance(level: Level, depths: np.ndarray, seed: int = 0) -> np.ndarray:
    """Probability that no label has more votes of the first k images: as majority_vote_by_chance, but ties are right.

    >>> import pandas as pd
    >>> from cbir.evaluation.levels import read_level
    >>> level = read_level(pd.DataFrame({"label": list("abbb")}), "pathology", np.arange(4))
    >>> tied_majority_vote_by_chance(level, np.array([2])).round(1)  # a and b are tied in half of the orders
    array([[0.5],
           [1. ]])
    """
    return _vote_by_chance(level, depths, seed, lambda tied: tied)


def _vote_by_chance(
    level: Level, depths: np.ndarray, seed: int, count_wins: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Expected wins of each label among the labels of its group: (labels, depths) float. See _simulate_vote."""
    expected = np.full((len(level.available), len(depths)), np.nan)
    for group in np.unique(level.group_of_label[level.available > 0]):
        members = np.flatnonzero((level.group_of_label == group) & (level.available > 0))
        for column, depth in enumerate(depths):
            expected[members, column] = _simulate_vote(level.available[members], depth, seed, count_wins)
    return expected


def _simulate_vote(
    available: np.ndarray, depth: int, seed: int, count_wins: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Mean over random orders of the wins of each label in the vote of the first `depth` images: (labels,) float.

    available: (labels,) int, images of each label, 1 or more. count_wins: takes (draws, labels) bool, whether a label
    has the most votes, alone or with others, and returns its wins, of the same shape. Votes of the first images are a
    draw without replacement.
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
        wins += count_wins(votes == votes.max(axis=1, keepdims=True)).sum(axis=0)
    return wins / DRAWS
