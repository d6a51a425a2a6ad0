from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir import scores
from cbir.errors import InputError
from cbir.scores import score_retrieval

LEVELS = ["modality", "anatomic_region", "pathology"]
LABELS = [
    ("CT", "chest", "nodule"),
    ("CT", "chest", "normal"),
    ("CT", "head", "normal"),
    ("MR", "head", "normal"),
    ("MR", "head", "tumour"),
    ("XR", "chest", "normal"),
    ("XR", "hand", "fracture"),
]


def retrieval(seed, images=160, depth=20):
    """An exact search of embeddings that know something of their labels; of four hands one is in the index."""
    generator = np.random.default_rng(seed)
    label = np.append(generator.integers(0, 6, images - 4), [6] * 4)
    manifest = pd.DataFrame([LABELS[code] for code in label], columns=LEVELS)
    manifest["patient_id"] = [f"p{patient:03}" for patient in generator.integers(0, images // 3, images)]
    index = np.append(np.sort(generator.choice(images - 4, images // 2, replace=False)), images - 1)
    query = np.setdiff1d(np.arange(images), index)
    embedding = generator.normal(size=(7, 8))[label] + 2 * generator.normal(size=(images, 8))
    order = np.argsort(-embedding[query] @ embedding[index].T, axis=1, kind="stable")[:, :depth]
    return query, index[order], manifest, index


def score(query, neighbor, manifest, index, levels=LEVELS, at=(1, 5), bootstrap=0, seed=0):
    manifest = manifest.assign(label=manifest[LEVELS].agg("/".join, axis=1))
    neighbors = SimpleNamespace(query=query, neighbor=neighbor)
    return score_retrieval(neighbors, manifest, index, levels, at, bootstrap, seed)


def brute_force(query, neighbor, manifest, index):
    """The same figures, a query and a depth at a time."""
    rows = []
    for position, level in enumerate(LEVELS):
        label = manifest[LEVELS[: position + 1]].agg("/".join, axis=1)
        found = label.loc[index].value_counts()
        for k in range(1, neighbor.shape[1] + 1):
            precision = {}
            for row, ranking in zip(query, neighbor, strict=True):
                n = min(k, found.get(label[row], 0))
                if n:
                    precision[row] = sum(label[other] == label[row] for other in ranking[:n] if other >= 0) / n
            precision = pd.Series(precision)
            groups = precision.groupby(label)
            rows += [
                (level, "micro", "precision", k, precision.mean(), len(precision)),
                (level, "micro", "precision_std", k, precision.std(), len(precision)),
                (level, "macro", "precision", k, groups.mean().mean(), len(precision)),
                (level, "macro", "precision_std", k, groups.std().mean(), len(precision)),
            ]
    return pd.DataFrame(rows, columns=["level", "average", "metric", "k", "value", "queries"])


def assert_same_figures(found, expected):
    keys = ["level", "average", "metric", "k"]
    pd.testing.assert_frame_equal(
        found.drop(columns=["ci_low", "ci_high"]).sort_values(keys, ignore_index=True),
        expected.sort_values(keys, ignore_index=True),
        rtol=0,
        atol=1e-9,
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_figures_are_those_of_a_loop_over_queries(seed):
    case = retrieval(seed)
    assert_same_figures(score(*case), brute_force(*case))


def test_missing_neighbors_are_misses():
    query, neighbor, manifest, index = retrieval(2)
    neighbor[::2, 3:] = -1
    neighbor[5] = -1
    assert_same_figures(score(query, neighbor, manifest, index), brute_force(query, neighbor, manifest, index))


def test_queries_without_an_image_of_their_label_in_the_index_are_left_out_and_not_counted():
    query, neighbor, manifest, index = retrieval(3)
    index = index[:-1]
    neighbor = np.where(neighbor == len(manifest) - 1, -1, neighbor)
    table = score(query, neighbor, manifest, index, bootstrap=50)
    assert_same_figures(table, brute_force(query, neighbor, manifest, index))
    counts = table.groupby("level")["queries"].first()
    assert counts.to_dict() == {"modality": len(query), "anatomic_region": len(query) - 3, "pathology": len(query) - 3}
    hands = slice(-3, None)
    alone = score(query[hands], neighbor[hands], manifest, index, levels=["pathology"], bootstrap=50)
    assert alone[["value", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (alone["queries"] == 0).all()


def test_figures_do_not_depend_on_the_size_of_blocks(monkeypatch):
    case = retrieval(4)
    whole = score(*case, bootstrap=50)
    monkeypatch.setattr(scores, "BLOCK", 7)
    pd.testing.assert_frame_equal(score(*case, bootstrap=50), whole, check_exact=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_images_in_the_manifest_changes_nothing(seed):
    query, neighbor, manifest, index = retrieval(5, images=60)
    place = np.random.default_rng(seed).permutation(len(manifest))
    shuffled = manifest.iloc[np.argsort(place)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        score(place[query], place[neighbor], shuffled, np.sort(place[index]), bootstrap=20),
        score(query, neighbor, manifest, index, bootstrap=20),
        check_exact=True,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 15))
def test_precision_and_its_interval_lie_between_0_and_1(seed, depth):
    table = score(*retrieval(seed, depth=depth), at=[depth], bootstrap=20)
    for column in ("value", "ci_low", "ci_high"):
        assert table[column].dropna().between(0, 1).all()


def test_a_perfect_ranking_scores_1_at_all_levels():
    query, _, manifest, index = retrieval(6)
    parts = manifest[LEVELS].to_numpy()
    shared = np.cumprod(parts[query][:, None] == parts[index], axis=2).sum(axis=2)
    neighbor = index[np.argsort(-shared, axis=1, kind="stable")[:, :20]]
    table = score(query, neighbor, manifest, index, bootstrap=20).query("metric == 'precision'")
    assert (table["value"] == 1).all()
    assert (table[["ci_low", "ci_high"]].dropna() == 1).all(axis=None)


def test_the_table_is_a_row_a_figure_with_intervals_where_asked():
    table = score(*retrieval(7), at=[1, 3, 10], bootstrap=200)
    assert list(table) == ["level", "average", "metric", "k", "value", "ci_low", "ci_high", "queries"]
    assert not table.duplicated(["level", "average", "metric", "k"]).any()
    assert len(table) == 3 * 2 * 2 * 20
    asked = table["k"].isin([1, 3, 10]) & (table["metric"] == "precision")
    assert (table["ci_low"].notna() == asked).all()
    assert (table["ci_high"].notna() == asked).all()
    micro = table[asked & (table["average"] == "micro")]
    assert ((micro["ci_low"] < micro["value"]) & (micro["value"] < micro["ci_high"])).all()


def test_no_draws_give_no_interval():
    table = score(*retrieval(7), at=[1, 3, 10], bootstrap=0)
    assert table["value"].notna().all()
    assert table[["ci_low", "ci_high"]].isna().all(axis=None)


def test_intervals_are_those_of_a_bootstrap_over_patients():
    query, neighbor, manifest, index = retrieval(8)
    found = score(query, neighbor, manifest, index, levels=["modality"], at=[1], bootstrap=4000).query("k == 1")
    modality = manifest["modality"].to_numpy()
    hit = pd.DataFrame({"hit": modality[neighbor[:, 0]] == modality[query], "patient": manifest["patient_id"][query]})
    sums = hit.groupby("patient")["hit"].agg(["sum", "count"]).to_numpy()
    taken = sums[np.random.default_rng(1).integers(len(sums), size=(20000, len(sums)))].sum(axis=1)
    expected = np.quantile(taken[:, 0] / taken[:, 1], [0.025, 0.975])
    interval = found[found["ci_low"].notna() & (found["average"] == "micro")][["ci_low", "ci_high"]]
    assert interval.to_numpy().ravel() == pytest.approx(expected, abs=0.01)


def test_levels_come_as_asked():
    table = score(*retrieval(9), levels=["pathology", "modality"])
    assert list(table["level"].unique()) == ["pathology", "modality"]


def test_a_depth_beyond_the_search_is_refused():
    with pytest.raises(InputError, match=r"scores\.at: 50 lies beyond the 20 neighbors searched"):
        score(*retrieval(0), at=[1, 50])


@pytest.mark.parametrize("stranger", [-2, 160, "query"])
def test_neighbors_of_another_index_are_refused(stranger):
    query, neighbor, manifest, index = retrieval(0)
    neighbor[3, 2] = query[0] if stranger == "query" else stranger
    with pytest.raises(InputError, match="search again"):
        score(query, neighbor, manifest, index)
