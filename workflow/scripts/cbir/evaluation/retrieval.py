"""Retrieval scores: all metrics of the neighbors of all queries, as a tidy table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.evaluation.averages import LabelTotals, mean_over_queries, no_totals, summarize_precision, total_hits
from cbir.evaluation.hits import ROWS, check_neighbors, find_hits
from cbir.evaluation.intervals import count_labels_of_one_patient, interval_of_means
from cbir.evaluation.levels import Level, read_level
from cbir.evaluation.metrics import METRICS, keep_scored_by_half
from cbir.retrieval.neighbors import Neighbors
from cbir.tidy import AVERAGES, ESTIMATES

COLUMNS = ["level", "average", "metric", "k", *ESTIMATES]


def score_retrieval(
    neighbors: Neighbors,
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    levels: Sequence[str],
    at: Sequence[int],
) -> pd.DataFrame:
    """All retrieval metrics at all levels, with 95 % intervals and chance levels.

    manifest: needs modality, anatomic_region, label and patient_id. index_rows: (images,) int, the manifest rows that
    the index holds. levels: of cbir.evaluation.levels.LEVELS.

    Returns `level, average, metric, k, value, ci_low, ci_high, queries, labels_of_one_patient, chance`: one row per
    level, average (micro, macro), metric and k. precision and precision_std are given at every k up to the depth
    searched, the metrics of METRICS at the depths that their entries name. precision has intervals at the depths `at`,
    precision_std has none.

    `queries` counts the queries that have a value: those with something to find. Where less than half of these queries
    or of their labels have an R-precision, it is NaN and `queries` is 0. `labels_of_one_patient` counts the labels
    whose queries with a value are of a single patient. `chance` is the value to expect of a random order of the index.

    At the level pathology_in_region only neighbors of the query's modality and region are ranked, in their order, and
    so are the index images for the chance level. Images beyond the depth searched count as misses. A value is therefore
    a lower bound that rises with the depth. It is exact where the search found k images of the region, and at a k near
    the depth it may fall below chance.

    Raises InputError where `at` goes beyond the depth, or where neighbors are not of this index.
    """
    check_neighbors(neighbors, len(manifest), index_rows, at)
    scored = [_score_level(read_level(manifest, level, index_rows), neighbors, at) for level in levels]
    patients = pd.factorize(manifest["patient_id"].iloc[neighbors.query], sort=True)[0]
    intervals = [_find_intervals(one, patients) for one in scored]
    tables = [
        table.assign(level=level)
        for level, one, interval in zip(levels, scored, intervals, strict=True)
        for table in (*_tabulate_precision(one, interval), _tabulate_metrics(one, interval))
    ]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


@dataclass(frozen=True)
class LevelScores:
    """The values of a level before they are averaged.

    totals, available: as summarize_precision takes them. label: (queries,) int codes. columns: `metric, k`, one row per
    column of by_query. by_query, chance: (queries, columns) float, NaN where a query has no value.
    """

    totals: LabelTotals
    available: np.ndarray
    label: np.ndarray
    columns: pd.DataFrame
    by_query: np.ndarray
    chance: np.ndarray


def _score_level(level: Level, neighbors: Neighbors, at: Sequence[int]) -> LevelScores:
    """Score all queries at a level, block by block."""
    depth, label = neighbors.neighbor.shape[1], level.label[neighbors.query]
    depths = {name: metric.depths(at, depth) for name, metric in METRICS.items()}
    columns = pd.DataFrame([(name, k) for name, ks in depths.items() for k in ks], columns=["metric", "k"])
    totals = no_totals(len(level.available), depth)
    values = np.empty((len(label), len(columns)))
    for block in blocks(len(label), ROWS):
        hits = find_hits(level, neighbors.query[block], neighbors.neighbor[block])
        totals += total_hits(hits.counts, hits.label, len(level.available))
        values[block] = np.column_stack([metric.of_queries(hits, depths[name]) for name, metric in METRICS.items()])
        values[block][hits.available == 0] = np.nan  # nothing to find, whatever the metric
    partial = np.flatnonzero([not METRICS[name].complete for name in columns["metric"]])
    values[:, partial] = keep_scored_by_half(values[:, partial], label, level.available[label] > 0)
    chance = np.column_stack([metric.by_chance(level, depths[name]) for name, metric in METRICS.items()])
    chance = np.where(np.isnan(values), np.nan, chance[label])
    return LevelScores(totals, level.available, label, columns, values, chance)


@dataclass(frozen=True)
class Intervals:
    """What is known of the errors of the columns of a level.

    ends: the 95 % intervals of the means, (2, columns) by average. single: (columns,) int, labels of one patient.
    """

    ends: dict[str, np.ndarray]
    single: np.ndarray


def _find_intervals(scored: LevelScores, patients: np.ndarray) -> Intervals:
    """The intervals of a level; columns of complete metrics have values for the same queries, others one by one."""
    complete = scored.columns["metric"].map({name: metric.complete for name, metric in METRICS.items()}).to_numpy()
    ends = {average: np.empty((2, len(complete))) for average in AVERAGES}
    single = np.empty(len(complete), np.int64)
    for columns in (np.flatnonzero(complete), *np.flatnonzero(~complete)[:, None]):
        values = scored.by_query[:, columns]
        for average, found in interval_of_means(values, scored.label, patients).items():
            ends[average][:, columns] = found
        has_value = ~np.isnan(values[:, 0])
        single[columns] = count_labels_of_one_patient(scored.label[has_value], patients[has_value])
    return Intervals(ends, single)


def _tabulate_precision(scored: LevelScores, intervals: Intervals) -> Iterator[pd.DataFrame]:
    """The rows of precision and precision_std at every k, micro and then macro."""
    ours = np.flatnonzero(scored.columns["metric"] == "precision")
    at, chance = scored.columns["k"].to_numpy()[ours], mean_over_queries(scored.chance, scored.label)
    queries = np.count_nonzero(~np.isnan(scored.by_query[:, ours[0]]))
    for (average, metric), value in summarize_precision(scored.totals, scored.available).items():
        table = pd.DataFrame({"k": np.arange(len(value)) + 1, "value": value, "ci_low": np.nan, "ci_high": np.nan})
        table = table.assign(average=average, metric=metric, queries=queries, chance=np.nan)
        table["labels_of_one_patient"] = intervals.single[ours[0]]
        if metric == "precision":
            table.loc[at - 1, ["ci_low", "ci_high"]] = intervals.ends[average][:, ours].T
            table["chance"] = chance[average][ours[0]]  # the same at every k
        yield table


def _tabulate_metrics(scored: LevelScores, intervals: Intervals) -> pd.DataFrame:
    """The rows of the other metrics, micro and then macro."""
    queries, chance = (~np.isnan(scored.by_query)).sum(axis=0), mean_over_queries(scored.chance, scored.label)
    tables = []
    for average, value in mean_over_queries(scored.by_query, scored.label).items():
        low, high = intervals.ends[average]
        table = scored.columns.assign(average=average, value=value, ci_low=low, ci_high=high)
        table["labels_of_one_patient"] = intervals.single
        tables.append(table.assign(queries=queries, chance=chance[average]))
    table = pd.concat(tables)
    return table[table["metric"] != "precision"]
