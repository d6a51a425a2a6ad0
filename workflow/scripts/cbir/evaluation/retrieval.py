"""Scores: what the neighbors of all queries are worth, as a tidy table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cbir.errors import InputError
from cbir.evaluation import chance
from cbir.evaluation.bootstrap import bootstrap_means, percentile_interval
from cbir.evaluation.levels import Level, read_level
from cbir.evaluation.metrics import (
    LabelTotals,
    average_precision,
    count_hits,
    majority_vote,
    mean_over_queries,
    normalized_gain,
    precision_at_every_k,
    r_precision,
    recall,
    reciprocal_rank,
    summarize_precision,
    total_hits,
)
from cbir.retrieval.neighbors import Neighbors

COLUMNS = ["level", "average", "metric", "k", "value", "ci_low", "ci_high", "queries", "chance"]
BLOCK = 8192  # queries whose hits are held at once; 7 MB an array at 100 neighbors


def score_retrieval(
    neighbors: Neighbors,
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    levels: Sequence[str],
    at: Sequence[int],
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """All retrieval metrics of all levels, with 95 % intervals and chance levels.

    manifest: needs modality, anatomic_region, label and patient_id. index_rows: (images,) int, the manifest rows that
    the index holds. levels: of cbir.evaluation.levels.LEVELS. bootstrap: draws of patients, 0 for no interval.

    Returns `level, average, metric, k, value, ci_low, ci_high, queries, chance`: a row for each level, average (micro,
    macro), metric and k. precision and precision_std at every k to the depth searched; map, ndcg, mrr and recall at the
    depths `at` and the depth searched; majority_vote at the depths `at`; r_precision in the row of the depth searched,
    of the queries whose label has no more index images than the ranks that the search made known. precision has
    intervals at the depths `at`, precision_std none. `queries` counts the queries that have a value: those with
    something to find. `chance` is the value to expect of a random order of the index.

    At the level pathology_in_region only the neighbors of the query's modality and region are ranked, in their order,
    against the index images of that region, as is the chance level. What lies beyond the depth searched counts as a
    miss: a figure is a lower bound that rises with the depth, exact where the search came upon k images of the region,
    and at a k near the depth it may fall below chance.

    Raises InputError where `at` goes beyond the depth, or neighbors are not of this index.
    """
    check_neighbors(neighbors, len(manifest), index_rows, at)
    read = [read_level(manifest, level, index_rows) for level in levels]
    scored = [_score_level(level, neighbors, np.asarray(at)) for level in read]
    patients = pd.factorize(manifest["patient_id"].iloc[neighbors.query], sort=True)[0]
    intervals = _draw_intervals(scored, patients, bootstrap, seed)
    tables = [
        table.assign(level=level)
        for level, one, interval in zip(levels, scored, intervals, strict=True)
        for table in _tabulate_level(one, interval, len(at))
    ]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def check_neighbors(neighbors: Neighbors, images: int, index_rows: np.ndarray, at: Sequence[int]) -> None:
    """Raise InputError where a depth lies beyond the search, or a neighbor is no image of the index."""
    depth = neighbors.neighbor.shape[1]
    if max(at) > depth:
        raise InputError(f"scores.at: {max(at)} lies beyond the {depth} neighbors searched; lower it or raise search.k")
    known = np.zeros(images + 1, bool)
    known[index_rows] = known[-1] = True  # the last stands for -1, no neighbor
    lowest, highest = neighbors.neighbor.min(), neighbors.neighbor.max()
    if lowest < -1 or highest >= images or not known[neighbors.neighbor].all():
        raise InputError("neighbors name images that the index does not hold; delete the neighbors and search again")


@dataclass(frozen=True)
class Scored:
    """A level's figures before means: exact totals of precision, and the values of each query.

    totals, available: as summarize_precision takes them. label: (queries,) int codes. columns: metric and depth of each
    column of values, precision's first and r_precision's last. by_query, chance: (queries, columns) float, NaN where a
    query has no value.
    """

    totals: LabelTotals
    available: np.ndarray
    label: np.ndarray
    columns: list[tuple[str, int]]
    by_query: np.ndarray
    chance: np.ndarray


def _score_level(level: Level, neighbors: Neighbors, at: np.ndarray) -> Scored:
    """Score a level, block by block of queries."""
    labels, depth = len(level.available), neighbors.neighbor.shape[1]
    deep = np.unique([*at, depth])
    columns = [("precision", k) for k in at]
    columns += [(metric, k) for metric in ("map", "ndcg", "mrr", "recall") for k in deep]
    columns += [*(("majority_vote", k) for k in at), ("r_precision", depth)]
    totals = LabelTotals(*(np.zeros(shape, np.int64) for shape in (labels, (labels, depth), (labels, depth))))
    label = level.label[neighbors.query]
    values = np.empty((len(label), len(columns)))
    for start in range(0, len(label), BLOCK):
        block = slice(start, start + BLOCK)
        voted = level.label_neighbors(neighbors.query[block], neighbors.neighbor[block])
        hits, available = voted == label[block][:, None], level.available[label[block]]
        counts = count_hits(hits, available)
        totals += total_hits(counts, label[block], labels)
        parts = [precision_at_every_k(counts, available)[:, at - 1]]
        parts += [
            metric(hits, available, deep) for metric in (average_precision, normalized_gain, reciprocal_rank, recall)
        ]
        parts += [
            majority_vote(voted, label[block], labels, at),
            r_precision(hits, available, level.known_ranks(voted)),
        ]
        values[block] = np.column_stack(parts)
        values[block][available == 0] = np.nan
    by_chance = np.where(np.isnan(values), np.nan, _chance_by_label(level, at, deep)[label])
    return Scored(totals, level.available, label, columns, values, by_chance)


def _chance_by_label(level: Level, at: np.ndarray, deep: np.ndarray) -> np.ndarray:
    """What a random order of the index is expected to score for a query of each label: (labels, columns)."""
    index = level.available, level.ranked
    precision = chance.precision_by_chance(*index)[:, None]
    return np.column_stack(
        [
            np.repeat(precision, len(at), axis=1),
            chance.average_precision_by_chance(*index, deep),
            chance.normalized_gain_by_chance(*index, deep),
            chance.reciprocal_rank_by_chance(*index, deep),
            chance.recall_by_chance(*index, deep),
            chance.majority_vote_by_chance(level.available, level.group_of_label, at),
            precision,
        ]
    )


def _draw_intervals(scored: Sequence[Scored], patients: np.ndarray, draws: int, seed: int) -> list[dict]:
    """The interval of each level's columns: (2, columns) by average."""
    labels = np.stack([one.label for one in scored])
    values = np.stack([one.by_query for one in scored])
    parts = [bootstrap_means(part, labels, patients, draws, seed) for part in (values[..., :-1], values[..., -1:])]
    return [
        {
            average: np.column_stack([percentile_interval(part[average][place]) for part in parts])
            for average in ("micro", "macro")
        }
        for place in range(len(scored))
    ]


def _tabulate_level(scored: Scored, intervals: dict[str, np.ndarray], depths: int) -> Iterator[pd.DataFrame]:
    """The rows of a level: precision at every k, its first `depths` columns with intervals; then the other metrics."""
    queries = (~np.isnan(scored.by_query)).sum(axis=0)
    chance_means = mean_over_queries(scored.chance, scored.label)
    for (average, metric), value in summarize_precision(scored.totals, scored.available).items():
        table = pd.DataFrame({"k": np.arange(len(value)) + 1, "value": value, "ci_low": np.nan, "ci_high": np.nan})
        by_chance = np.nan
        if metric == "precision":
            places = [k - 1 for _, k in scored.columns[:depths]]
            table.loc[places, ["ci_low", "ci_high"]] = intervals[average][:, :depths].T
            by_chance = chance_means[average][0]
        yield table.assign(average=average, metric=metric, queries=queries[0], chance=by_chance)
    for average, value in mean_over_queries(scored.by_query, scored.label).items():
        table = pd.DataFrame(scored.columns, columns=["metric", "k"]).assign(average=average, value=value)
        low, high = intervals[average]
        table = table.assign(ci_low=low, ci_high=high, queries=queries, chance=chance_means[average])
        yield table.iloc[depths:]
