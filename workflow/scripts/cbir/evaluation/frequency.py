"""Label frequency: whether labels with more images in the index are found better."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cbir.evaluation.metrics import count_hits
from cbir.retrieval.neighbors import Neighbors

BLOCK = 8192  # queries whose hits are held at once


def label_precision(
    neighbors: Neighbors, manifest: pd.DataFrame, index_rows: np.ndarray, depths: Sequence[int]
) -> pd.DataFrame:
    """Precision at some depths of every label's queries.

    manifest: needs label. index_rows: (images,) int, the manifest rows that the index holds. depths: at most the
    neighbors' depth. Returns `label, index_images, queries, k, value`, a row a label of the manifest and depth: value
    is the mean over the label's queries, a term of the macro average; NaN for a label without a query or without an
    index image.
    """
    codes, labels = pd.factorize(manifest["label"], sort=True)
    available = np.bincount(codes[index_rows], minlength=len(labels))
    queries = np.bincount(codes[neighbors.query], minlength=len(labels))
    columns = np.asarray(depths) - 1
    coded = np.append(codes, -1)  # the last stands for -1, no neighbor: a miss
    hits = np.zeros((len(columns), len(labels)))
    for start in range(0, len(neighbors.query), BLOCK):
        block = slice(start, start + BLOCK)
        label = codes[neighbors.query[block]]
        counts = count_hits(coded[neighbors.neighbor[block]] == label[:, None], available[label])
        for place, column in enumerate(columns):
            hits[place] += np.bincount(label, counts[:, column], minlength=len(labels))
    tables = []
    for depth, hit in zip(depths, hits, strict=True):
        counted = queries * np.minimum(depth, available)
        value = np.divide(hit, counted, out=np.full(len(labels), np.nan), where=counted > 0)
        table = pd.DataFrame({"label": labels, "index_images": available, "queries": queries, "k": depth})
        tables.append(table.assign(value=value))
    return pd.concat(tables, ignore_index=True)


def correlate_frequency(precision: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation between the labels' numbers of index images and their precision, at each depth.

    precision: as label_precision gives it; labels without a value are left out. Returns `k, metric, value, ci_low,
    ci_high, labels`, with Spearman's coefficient and its 95 % interval.
    """
    rows = []
    for k, scored in precision.dropna(subset="value").groupby("k"):
        value = _spearman(scored["index_images"].to_numpy(), scored["value"].to_numpy())
        rows.append((k, "spearman", value, *spearman_interval(value, len(scored)), len(scored)))
    return pd.DataFrame(rows, columns=["k", "metric", "value", "ci_low", "ci_high", "labels"])


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation; NaN where one of the two doesn't vary."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else np.nan


def spearman_interval(value: float, pairs: int) -> tuple[float, float]:
    """The 95 % interval of Spearman's coefficient: Fisher's z with variance (1 + r^2 / 2) / (pairs - 3).

    Bonett and Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations". NaN
    below four pairs and at -1 and 1, where z is infinite.
    """
    if pairs < 4 or not abs(value) < 1 - 1e-9:  # what rounding leaves of 1
        return np.nan, np.nan
    half = 1.959964 * np.sqrt((1 + value**2 / 2) / (pairs - 3))
    return float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))
