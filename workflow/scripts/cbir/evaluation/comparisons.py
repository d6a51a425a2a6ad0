"""Comparisons: for every pair of models the difference on the same queries, its interval and its p value."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cbir.errors import InputError
from cbir.evaluation.bootstrap import bootstrap_means, percentile_interval
from cbir.evaluation.hits import check_neighbors, query_precision
from cbir.evaluation.levels import read_level
from cbir.retrieval.neighbors import Neighbors
from cbir.tidy import AVERAGES

FLIPS = 9999  # random sign flips of a test; the smallest p value is 1 / 10,000
BLOCK = 8_000_000  # float64 signs of patients in flips that are held at once: 64 MB
ROUNDING = 1e-12  # two differences that are no further apart may be equal but for rounding


def compare_models(
    neighbors: Iterable[tuple[str, Neighbors]],
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    levels: Sequence[str],
    at: Sequence[int],
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """The difference in precision at k of every pair of models, at every level and depth of `at`.

    neighbors: name and neighbors of each model, in the same index for the same queries; read one after the other.
    manifest, index_rows, levels, bootstrap, seed: as for score_retrieval, which draws the same patients.

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
        compared = compare_values(np.stack(values), labels.label[query], patients, bootstrap, seed)
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
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, bootstrap: int, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Compare the means of every pair of models at one level.

    values: (models, queries, depths) float; the same queries are NaN, in every model and at every depth, and left out.
    labels: (queries,) int codes, for the macro mean. patients: (queries,) int codes from 0.

    Returns by average `difference`, the ends `ci_low` and `ci_high` of its 95 % percentile interval over bootstrap
    draws of patients, and its p value `p`, each (depths, pairs), pairs in the order of np.triu_indices. NaN where no
    query is left. The p value is that of sign_flip_p.

    >>> values = np.array([[[1.0], [1.0], [0.0]], [[0.0], [1.0], [0.0]]])  # two models, three queries, one depth
    >>> compared = compare_values(values, np.array([0, 0, 1]), np.array([0, 1, 2]), bootstrap=0, seed=0)
    >>> compared["micro"]["difference"].round(3), compared["macro"]["difference"]
    (array([[0.333]]), array([[0.25]]))
    """
    first, second = np.triu_indices(len(values), 1)
    _, queries, depths = values.shape
    # one column per depth and pair
    differences = (values[first] - values[second]).transpose(1, 2, 0).reshape(queries, -1)
    scored = ~np.isnan(differences).any(axis=1)
    (resampled,) = bootstrap_means([(differences, labels)], patients, bootstrap, seed)
    weighted = [differences[scored] * query_weights(labels[scored], average)[:, None] for average in AVERAGES]
    parts = _sum_by_patient(np.hstack(weighted), patients[scored], int(patients.max()) + 1)
    figures = np.stack([parts.sum(axis=0), sign_flip_p(parts, seed)])
    if not scored.any():
        figures[:] = np.nan
    compared = {}
    for average, (difference, p) in zip(AVERAGES, np.split(figures, len(AVERAGES), axis=1), strict=True):
        low, high = percentile_interval(resampled[average])
        found = {"difference": difference, "ci_low": low, "ci_high": high, "p": p}
        compared[average] = {name: figure.reshape(depths, -1) for name, figure in found.items()}
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


def sign_flip_p(by_patient: np.ndarray, seed: int) -> np.ndarray:
    """p values of two-sided randomization tests by patient: (columns,) float64.

    by_patient: (patients, columns) float, each patient's part of the difference of two models, which is the sum of its
    column. If the models were
    interchangeable, each patient's part could as well have the other sign. The signs are flipped at random FLIPS times,
    the same for all columns; p is the share of flips, with the data themselves as one of them, whose difference is as
    large or larger. Smucker, Allan and Carterette 2007, section 3.3.

    >>> sign_flip_p(np.array([[0.1, 0.1], [0.1, -0.1]]), seed=0).round(1)  # half of all flips reach the first sum
    array([0.5, 1. ])
    """
    generator = np.random.default_rng([seed, 1])
    least = np.abs(by_patient.sum(axis=0)) - ROUNDING
    reached = np.ones(by_patient.shape[1], np.int64)
    block = max(1, BLOCK // len(by_patient))
    for start in range(0, FLIPS, block):
        shape = (min(block, FLIPS - start), len(by_patient))
        signs = 2.0 * generator.integers(0, 2, shape, dtype=np.int8) - 1
        reached += (np.abs(signs @ by_patient) >= least).sum(axis=0)
    return reached / (FLIPS + 1)


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


def _sum_by_patient(values: np.ndarray, patients: np.ndarray, number: int) -> np.ndarray:
    """Sums over each patient's queries: (queries, columns) float to (number, columns), 0 for a patient without any.

    patients: (queries,) int codes below `number`.
    """
    member = csr_array((np.ones(len(patients)), patients, np.arange(len(patients) + 1)), (len(patients), number))
    return member.T @ values
