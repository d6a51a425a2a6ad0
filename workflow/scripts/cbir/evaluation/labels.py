"""Each label by itself: its precision, whether frequent labels do better, and which labels it is confused with."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.datasets.labels import label_codes
from cbir.datasets.manifest import LABEL_PARTS
from cbir.evaluation.averages import label_means, no_totals, total_hits
from cbir.evaluation.hits import ROWS, find_hits
from cbir.evaluation.levels import read_level
from cbir.retrieval.neighbors import Neighbors


def score_labels(
    neighbors: Neighbors, manifest: pd.DataFrame, index_rows: np.ndarray, depths: Sequence[int]
) -> dict[str, pd.DataFrame]:
    """The tables `precision` (label_precision), `frequency` (correlate_frequency) and `confusion` (count_confusion).

    manifest: needs label and its parts. index_rows, depths: as for label_precision.
    """
    precision = label_precision(neighbors, manifest, index_rows, depths)
    return {
        "precision": precision,
        "frequency": correlate_frequency(precision),
        "confusion": count_confusion(neighbors, manifest),
    }


def label_precision(
    neighbors: Neighbors, manifest: pd.DataFrame, index_rows: np.ndarray, depths: Sequence[int]
) -> pd.DataFrame:
    """Precision at some depths of every label's queries.

    manifest: needs label. index_rows: (images,) int, the manifest rows that the index holds. depths: at most the depth
    of the neighbors. Returns `label, index_images, queries, k, value`, one row per depth and label of the manifest. The
    value is the mean over the label's queries, a term of the macro average; NaN for a label without a query or without
    an index image.

    >>> manifest = pd.DataFrame({"label": ["bleed", "tumour", "bleed"]})
    >>> found = Neighbors(np.array([2]), np.array([[0, 1]]), np.array([[0.9, 0.8]], np.float32))
    >>> label_precision(found, manifest, np.array([0, 1]), [1])
        label  index_images  queries  k  value
    0   bleed             1        1  1    1.0
    1  tumour             1        0  1    NaN
    """
    level, (_, names) = read_level(manifest, "pathology", index_rows), label_codes(manifest["label"])
    totals = no_totals(len(names), neighbors.neighbor.shape[1])
    for block in blocks(len(neighbors.query), ROWS):
        hits = find_hits(level, neighbors.query[block], neighbors.neighbor[block])
        totals += total_hits(hits.counts, hits.label, len(names))
    value = label_means(totals, level.available, np.asarray(depths))
    return pd.DataFrame(
        {
            "label": np.tile(names, len(depths)),
            "index_images": np.tile(level.available, len(depths)),
            "queries": np.tile(totals.queries, len(depths)),
            "k": np.repeat(depths, len(names)),
            "value": value.T.ravel(),
        }
    )


def correlate_frequency(precision: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation between the labels' numbers of index images and their precision, at each depth.

    precision: as label_precision returns it; labels without a value are left out. Returns `k, metric, value, ci_low,
    ci_high, labels`, one row per depth, with Spearman's coefficient and its 95 % interval.

    >>> table = pd.DataFrame({"index_images": [5, 9, 80], "k": 1, "value": [0.2, 0.1, 0.3]})
    >>> correlate_frequency(table)[["metric", "value", "labels"]]
         metric  value  labels
    0  spearman    0.5       3
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
    below four pairs. NaN at -1 and 1 as well, where z is infinite.

    >>> tuple(round(end, 2) for end in spearman_interval(0.5, 30))
    (0.15, 0.74)
    """
    if pairs < 4 or not abs(value) < 1 - 1e-9:  # a perfect correlation may be rounded to slightly less than 1
        return np.nan, np.nan
    half = 1.959964 * np.sqrt((1 + value**2 / 2) / (pairs - 3))
    return float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))


def count_confusion(neighbors: Neighbors, manifest: pd.DataFrame) -> pd.DataFrame:
    """How often the nearest image of a label's queries has which label.

    manifest: needs label and its parts. Returns `label, neighbor_label, queries, share`, one row per pair of labels
    that occurs. share is the share of the label's queries. Rows are sorted by modality, then anatomic region, then
    pathology of the query, and then of the neighbor. The neighbor_label of queries without a neighbor is empty and
    comes last.
    """
    codes, names = label_codes(manifest["label"])
    parts = manifest[[*LABEL_PARTS, "label"]].drop_duplicates().sort_values(LABEL_PARTS)["label"]
    order = names.get_indexer(parts)  # codes, sorted by the parts of their labels
    place = np.append(np.argsort(order), len(order))  # the last is for no neighbor
    nearest = place[np.append(codes, len(order))[neighbors.neighbor[:, 0]]]  # row -1 stands for no neighbor
    width = len(order) + 1
    cells, queries = np.unique(place[codes[neighbors.query]] * width + nearest, return_counts=True)
    sorted_names = np.append(names[order], "")
    table = pd.DataFrame({"label": sorted_names[cells // width], "neighbor_label": sorted_names[cells % width]})
    table["queries"] = queries
    return table.assign(share=table["queries"] / table.groupby("label")["queries"].transform("sum"))
