"""Comparisons: for every pair of models the difference on the same queries, its interval and its p value."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cbir.errors import InputError
from cbir.evaluation.hits import check_neighbors, query_precision
from cbir.evaluation.levels import read_level
from cbir.evaluation.sign_flips import flip_sums, run_randomization_test
from cbir.retrieval.neighbors import Neighbors
from cbir.tidy import AVERAGES


def compare_models(
    neighbors: Iterable[tuple[str, Neighbors]],
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    levels: Sequence[str],
    at: Sequence[int],
    seed: int,
) -> pd.DataFrame:
    """The difference in precision at k of every pair of models, at every level and depth of `at`.

    neighbors: name and neighbors of each model, in the same index for the same queries; read one after the other.
    manifest, index_rows, levels: as for score_retrieval. seed: of the random sign flips.

    Returns `level, average, metric, k, model, other, difference, ci_low, ci_high, p, p_holm, queries`: one row per
    pair, in the order of the models. The difference is the value of `model` minus that of `other`. p_holm is corrected
    for the number of pairs at the same level, average and k. Raises InputError where models were given other queries.
    """
    read = [read_level(manifest, level, index_rows) for level in levels]
    models: list[str] = []
    precision: list[list[np.ndarray]] = []  # by model and level, each (queries, depths)
    query = np.empty(0, np.int64)
    for model, found in neighbors:
        check_neighbors(found, len(manifest), index_rows, at)
        if models and not np.array_equal(found.query, query):
            raise InputError(f"neighbors of {model} and {models[0]} are of other queries; delete both and search again")
        query = found.query
        models.append(model)
        precision.append([query_precision(found, level, at) for level in read])
    patients = pd.factorize(manifest["patient_id"].iloc[query], sort=True)[0]
    tables = []
    for level, labels, values in zip(levels, read, zip(*precision, strict=True), strict=True):
        compared = compare_values(np.stack(values), labels.label[query], patients, seed)
        queries = np.count_nonzero(~np.isnan(values[0][:, 0]))
        tables += [
            _tabulate_pairs(compared[average], models, at).assign(average=average, level=level, queries=queries)
            for average in AVERAGES
        ]
    keys = ["level", "average", "metric", "k", "model", "other"]
    table = pd.concat(tables, ignore_index=True)
    return table[[*keys, "difference", "ci_low", "ci_high", "p", "p_holm", "queries"]]


def _tabulate_pairs(compared: dict[str, np.ndarray], models: Sequence[str], at: Sequence[int]) -> pd.DataFrame:
    """One row per depth and pair, with corrected p values; compared: as compare_values returns it for one average."""
    first, second = np.triu_indices(len(models), 1)
    names = np.array(models, object)
    compared = compared | {"p_holm": correct_holm(compared["p"])}
    return pd.DataFrame(
        {
            "metric": "precision",
            "k": np.repeat(at, len(first)),
            "model": np.tile(names[first], len(at)),
            "other": np.tile(names[second], len(at)),
            **{name: figure.ravel() for name, figure in compared.items()},
        }
    )


def compare_values(
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Compare the means of every pair of models at one level.

    values: (models, queries, depths) float from 0 to 1; the same queries are NaN, in every model and at every depth,
    and left out. labels: (queries,) int codes, for the macro mean. patients: (queries,) int codes.

    Returns by average `difference`, the ends `ci_low` and `ci_high` of its 95 % interval, and its p value `p`, each
    (depths, pairs), pairs in the order of np.triu_indices. Interval and p are those of run_randomization_test. NaN
    where no query is left. A single patient has no interval.

    >>> values = np.array([[[1.0], [1.0], [0.0]], [[0.0], [1.0], [0.0]]])  # two models, three queries, one depth
    >>> compared = compare_values(values, np.array([0, 0, 1]), np.array([0, 1, 2]), seed=0)
    >>> compared["micro"]["difference"].round(3), compared["macro"]["difference"]
    (array([[0.333]]), array([[0.25]]))
    """
    first, second = np.triu_indices(len(values), 1)
    scored = ~np.isnan(values).any(axis=(0, 2))
    if not scored.any():
        empty = np.full((values.shape[2], len(first)), np.nan)
        return {average: dict.fromkeys(("difference", "ci_low", "ci_high", "p"), empty) for average in AVERAGES}
    patient = np.unique(patients[scored], return_inverse=True)[1]
    compared = {}
    for average in AVERAGES:
        weights = query_weights(labels[scored], average)
        by_depth = values[:, scored].transpose(2, 1, 0)  # (depths, queries, models)
        columns = np.hstack([*by_depth, np.ones((len(patient), 1))])
        parts = _sum_by_patient(columns, weights, patient)
        flipped = flip_sums(parts, seed)
        means = np.split(parts.sum(axis=0)[:-1], len(by_depth))
        flips = np.split(flipped[:, :-1], len(by_depth), axis=1)
        differences = [mean[first] - mean[second] for mean in means]
        tests = [
            run_randomization_test(difference, flip[:, first] - flip[:, second], flipped[:, -1])
            for difference, flip in zip(differences, flips, strict=True)
        ]
        p, low, high = np.stack(tests, axis=1)
        if len(parts) == 1:
            low[:], high[:] = np.nan, np.nan
        compared[average] = {"difference": np.stack(differences), "ci_low": low, "ci_high": high, "p": p}
    return compared


def query_weights(labels: np.ndarray, average: str) -> np.ndarray:
    """Weight of each query in a mean: (queries,) float64 of sum 1.

    labels: (queries,) int codes. In the micro mean all queries weigh the same. In the macro mean all labels do, and so
    do the queries of a label.

    >>> query_weights(np.array([0, 0, 1]), "macro")
    array([0.25, 0.25, 0.5 ])
    """
    if average == "micro":
        return np.full(len(labels), 1 / max(len(labels), 1))
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return 1 / (sizes[codes] * len(sizes))


def correct_holm(p: np.ndarray) -> np.ndarray:
    """p values corrected for their number along the last axis; NaN is not counted as a test. Holm 1979, section 3.

    >>> correct_holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p, axis=-1)
    tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    stepped = np.take_along_axis(p, order, -1) * np.maximum(tests - np.arange(p.shape[-1]), 1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1), -1)
    return corrected


def _sum_by_patient(values: np.ndarray, weights: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Weighted sums over each patient's queries: (queries, columns) float to (patients, columns).

    weights: (queries,) float. patients: (queries,) int codes from 0 without gaps.
    """
    shape = (len(patients), int(patients.max()) + 1)
    return csr_array((weights, patients, np.arange(len(patients) + 1)), shape).T @ values
