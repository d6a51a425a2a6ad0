"""Comparisons: for every pair of models the difference on the same queries, its interval and its p value."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cbir.errors import InputError
from cbir.evaluation.bootstrap import bootstrap_means, percentile_interval
from cbir.evaluation.levels import Level, read_level
from cbir.evaluation.metrics import count_hits, precision_at_every_k
from cbir.evaluation.retrieval import check_neighbors
from cbir.retrieval.neighbors import Neighbors

AVERAGES = ("micro", "macro")
FLIPS = 9999  # random sign flips of a test; the least p value is 1 / 10,000
QUERIES = 8192  # whose hits are held at once
BLOCK = 8_000_000  # float64 signs of patients in flips held at once: 64 MB


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

    neighbors: each model's name and its neighbors in the same index for the same queries; taken one by one. manifest,
    index_rows, levels, bootstrap, seed: as for score_retrieval, whose draws of patients these are.

    Returns `level, average, metric, k, model, other, difference, ci_low, ci_high, p, p_holm, queries`: a row for each
    pair, in the order of the models; the difference is the model's value less the other's. p_holm is corrected for the
    pairs of the same level, average and k. Raises InputError where models were not asked the same queries.
    """
    read = [read_level(manifest, level, index_rows) for level in levels]
    models: list[str] = []
    values: list[np.ndarray] = []
    query = np.empty(0, np.int64)
    for model, found in neighbors:
        check_neighbors(found, len(manifest), index_rows, at)
        if models and not np.array_equal(found.query, query):
            raise InputError(f"neighbors of {model} and {models[0]} are of other queries; delete both and search again")
        query = found.query
        models.append(model)
        values.append(np.stack([_query_precision(level, found, np.asarray(at)) for level in read]))
    labels = np.stack([level.label[query] for level in read])
    patients = pd.factorize(manifest["patient_id"].iloc[query], sort=True)[0]
    first, second = np.triu_indices(len(models), 1)
    pairs = [(models[one], models[other]) for one, other in zip(first, second, strict=True)]
    rows = pd.MultiIndex.from_product([levels, AVERAGES, at, range(len(pairs))]).to_frame(index=False)
    table = pd.DataFrame({"level": rows[0], "average": rows[1], "metric": "precision", "k": rows[2]})
    table[["model", "other"]] = [pairs[pair] for pair in rows[3]]
    difference, low, high, p = compare_values(np.stack(values), labels, patients, bootstrap, seed)
    figures = {"difference": difference, "ci_low": low, "ci_high": high, "p": p, "p_holm": correct_holm(p)}
    for name, figure in figures.items():
        table[name] = figure.ravel()
    queries = (~np.isnan(values[0][:, :, 0])).sum(axis=1)
    return table.assign(queries=table["level"].map(dict(zip(levels, queries, strict=True))))


def compare_values(
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, bootstrap: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Difference of the means of every pair of models, lower and upper end of its 95 % interval, and its p value.

    values: (models, levels, queries, columns) float; NaN for the same queries of every model. labels: (levels, queries)
    int. patients: (queries,) int codes from 0. Each result is (levels, averages, columns, pairs), averages as AVERAGES
    and pairs as np.triu_indices orders them.

    The interval is the percentile interval of the difference over bootstrap draws of patients. The p value is that of a
    two-sided randomization test (Smucker, Allan and Carterette 2007, section 3.3) by patient: were two models
    interchangeable, each patient's contribution to the difference could as well have the other sign. Its signs are
    flipped at random FLIPS times, and p is the share of flips, the data themselves among them, whose difference is as
    large or larger.
    """
    first, second = np.triu_indices(len(values), 1)
    draws = [bootstrap_means(one, labels, patients, bootstrap, seed) for one in values]
    means = np.stack([np.stack([one[average] for average in AVERAGES], axis=1) for one in draws])
    spread = np.moveaxis(means[first] - means[second], (0, 3), (-1, 0))  # (draws, levels, averages, columns, pairs)
    shape = spread.shape[1:]
    low, high = (end.reshape(shape) for end in percentile_interval(spread.reshape(len(spread), np.prod(shape))))
    parts = np.stack([_patient_parts(*level, patients) for level in zip(values.swapaxes(0, 1), labels, strict=True)])
    difference, p = _flip_signs(np.moveaxis(parts, -1, 0), first, second, np.random.default_rng([seed, 1]))
    missing = np.isnan(values).all(axis=(0, 2, 3))
    difference[missing] = p[missing] = np.nan
    return difference, low, high, p


def correct_holm(p: np.ndarray) -> np.ndarray:
    """p values corrected for their number along the last axis; NaN is no test. Holm 1979, section 3."""
    order = np.argsort(p, axis=-1)
    tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    stepped = np.take_along_axis(p, order, -1) * np.maximum(tests - np.arange(p.shape[-1]), 1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1), -1)
    return corrected


def _query_precision(level: Level, neighbors: Neighbors, at: np.ndarray) -> np.ndarray:
    """Precision of each query at each of some depths: (queries, depths) float."""
    label = level.label[neighbors.query]
    precision = np.empty((len(label), len(at)))
    for start in range(0, len(label), QUERIES):
        block = slice(start, start + QUERIES)
        voted = level.label_neighbors(neighbors.query[block], neighbors.neighbor[block])[:, : at.max()]
        available = level.available[label[block]]
        counts = count_hits(voted == label[block][:, None], available)
        precision[block] = precision_at_every_k(counts, available)[:, at - 1]
    return precision


def _patient_parts(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """What each patient adds to the means of a level: (averages, columns, models, patients), a mean is their sum.

    values: (models, queries, columns).
    """
    scored = ~np.isnan(values[0, :, 0])
    values, patients, number = values[:, scored], patients[scored], int(patients.max()) + 1
    _, codes, sizes = np.unique(labels[scored], return_inverse=True, return_counts=True)
    weights = {"micro": np.full(len(codes), 1 / max(len(codes), 1)), "macro": 1 / (sizes[codes] * len(sizes))}
    models, _, columns = values.shape
    parts = np.empty((len(AVERAGES), columns, models, number))
    for place in np.ndindex(parts.shape[:-1]):
        average, column, model = place
        weighted = values[model, :, column] * weights[AVERAGES[average]]
        parts[place] = np.bincount(patients, weighted, minlength=number)
    return parts


def _flip_signs(
    parts: np.ndarray, first: np.ndarray, second: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The difference of every pair and its p value, each (..., pairs), of parts (patients, ..., models).

    A patient's sign is the same for all pairs, so that the flipped difference of two models is that of their flipped
    sums, and the work grows with the models, not with their pairs.
    """
    sums = parts.sum(axis=0)
    columns = parts.reshape(len(parts), sums.size)
    difference = sums[..., first] - sums[..., second]
    reached = np.ones(difference.shape, np.int64)
    block = max(1, BLOCK // len(parts))
    least = np.abs(difference) - 1e-12  # of what only rounding parts from it
    for start in range(0, FLIPS, block):
        shape = (min(block, FLIPS - start), len(parts))
        signs = 2.0 * generator.integers(0, 2, shape, dtype=np.int8) - 1
        flipped = (signs @ columns).reshape(-1, *sums.shape)
        reached += (np.abs(flipped[..., first] - flipped[..., second]) >= least).sum(axis=0)
    return difference, reached / (FLIPS + 1)
