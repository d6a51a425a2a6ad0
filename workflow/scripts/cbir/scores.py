"""Scores: what the neighbors of all queries are worth, as a tidy table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cbir.bootstrap import bootstrap_means, percentile_interval
from cbir.errors import InputError
from cbir.metrics import LabelTotals, count_hits, precision_at_every_k, summarize_precision, total_hits
from cbir.neighbors import Neighbors

LEVELS = {
    "modality": ["modality"],
    "anatomic_region": ["modality", "anatomic_region"],
    "pathology": ["label"],
}
BLOCK = 8192  # queries whose hits are held at once; 7 MB an array at 100 neighbors


def label_codes(manifest: pd.DataFrame, level: str) -> np.ndarray:
    """The label of each of the manifest's images at a level: (images,) int codes, in the order of the labels."""
    return manifest.groupby(LEVELS[level], sort=True).ngroup().to_numpy()


def score_retrieval(
    neighbors: Neighbors,
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    levels: Sequence[str],
    at: Sequence[int],
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Precision at every k to the depth searched, its spread, and at the depths `at` its 95 % interval.

    manifest: needs modality, anatomic_region, label and patient_id. index_rows: (images,) int, the manifest rows that
    the index holds. levels: of LEVELS. bootstrap: draws of patients, 0 for no interval.

    Returns `level, average, metric, k, value, ci_low, ci_high, queries`: a row for each level, average (micro, macro),
    metric (precision; precision_std, which has no interval) and k. `queries` counts the queries that a level scores:
    those with an image of their label in the index. Raises InputError where `at` goes beyond the depth, or neighbors
    are not of this index.
    """
    query, neighbor = neighbors.query, neighbors.neighbor
    depth = neighbor.shape[1]
    if max(at) > depth:
        raise InputError(f"scores.at: {max(at)} lies beyond the {depth} neighbors searched; lower it or raise search.k")
    _check_neighbors(neighbor, index_rows, len(manifest))
    codes = np.stack([label_codes(manifest, level) for level in levels])
    columns = np.asarray(at) - 1
    scored = [_score_level(code, query, neighbor, index_rows, columns) for code in codes]
    values = np.stack([values for _, _, values in scored])
    patients = pd.factorize(manifest["patient_id"].iloc[query], sort=True)[0]
    means = bootstrap_means(values, codes[:, query], patients, bootstrap, seed)
    tables = []
    for position, (level, (totals, available, _)) in enumerate(zip(levels, scored, strict=True)):
        queries = int(totals.queries[available > 0].sum())
        for (average, metric), value in summarize_precision(totals, available).items():
            interval = np.full((2, depth), np.nan)
            if metric == "precision":
                interval[:, columns] = percentile_interval(means[average][position])
            table = pd.DataFrame({"level": level, "average": average, "metric": metric, "k": np.arange(depth) + 1})
            tables.append(table.assign(value=value, ci_low=interval[0], ci_high=interval[1], queries=queries))
    return pd.concat(tables, ignore_index=True)


def _check_neighbors(neighbor: np.ndarray, index_rows: np.ndarray, images: int) -> None:
    """Raise InputError where a neighbor is no image of the index."""
    known = np.zeros(images + 1, bool)
    known[index_rows] = known[-1] = True  # the last stands for -1, no neighbor
    if neighbor.min() < -1 or neighbor.max() >= images or not known[neighbor].all():
        raise InputError("neighbors name images that the index does not hold; delete the neighbors and search again")


def _score_level(
    code: np.ndarray, query: np.ndarray, neighbor: np.ndarray, index_rows: np.ndarray, columns: np.ndarray
) -> tuple[LabelTotals, np.ndarray, np.ndarray]:
    """Score a level, block by block of queries.

    code: (images,) int label codes. columns: (depths,) int, of neighbor. Returns the labels' totals, the index images
    of each label (labels,) int, and precision at those columns' depths (queries, depths) float.
    """
    labels = int(code.max()) + 1
    depth = neighbor.shape[1]
    available = np.bincount(code[index_rows], minlength=labels)
    coded = np.append(code, -1).astype(np.int32)  # the last stands for -1, no neighbor: a miss
    totals = LabelTotals(*(np.zeros(shape, np.int64) for shape in (labels, (labels, depth), (labels, depth))))
    values = np.empty((len(query), len(columns)))
    for start in range(0, len(query), BLOCK):
        block = slice(start, start + BLOCK)
        label = coded[query[block]]
        counts = count_hits(coded[neighbor[block]] == label[:, None], available[label])
        totals += total_hits(counts, label, labels)
        values[block] = precision_at_every_k(counts, available[label])[:, columns]
    return totals, available, values
