import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import confusion_matrix

from cbir.evaluation import hits
from cbir.evaluation.labels import (
    correlate_frequency,
    count_confusion,
    label_precision,
    score_labels,
    spearman_interval,
)
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.neighbors import Neighbors


def retrieval(seed, images=200, depth=12):
    """Labels of falling frequency and a search that knows something of them; "none" has no index image."""
    generator = np.random.default_rng(seed)
    code = generator.choice(6, images, p=[0.4, 0.25, 0.15, 0.1, 0.07, 0.03])
    manifest = pd.DataFrame({"label": np.array(["a", "b", "c", "d", "e", "none"])[code], "patient_id": "p"})
    manifest = manifest.assign(modality="CT", anatomic_region="chest")
    index = np.flatnonzero((generator.random(images) < 0.6) & (code < 5))
    query = np.setdiff1d(np.arange(images), index)
    vectors = generator.normal(size=(6, 5))[code] + generator.normal(size=(images, 5))
    similarity = vectors[query] @ vectors[index].T
    neighbor = index[np.argsort(-similarity, axis=1)[:, :depth]]
    neighbor[::9, 8:] = -1
    return Neighbors(query, neighbor, np.zeros(neighbor.shape, np.float32)), manifest, index


def test_a_labels_precision_equals_that_of_a_loop_over_its_queries():
    neighbors, manifest, index = retrieval(0)
    table = label_precision(neighbors, manifest, index, [1, 3, 12]).set_index(["label", "k"])
    label = manifest["label"]
    for name in "abcde":
        n = (label[index] == name).sum()
        rows = np.flatnonzero(label[neighbors.query] == name)
        for k in (1, 3, 12):
            counted = min(k, n)
            expected = np.mean(
                [
                    np.mean([one >= 0 and label[one] == name for one in neighbors.neighbor[row, :counted]])
                    for row in rows
                ]
            )
            found = table.loc[(name, k)]
            assert found["value"] == pytest.approx(expected)
            assert (found["index_images"], found["queries"]) == (n, len(rows))


def test_labels_without_an_index_image_or_a_query_are_listed_without_a_value():
    neighbors, manifest, index = retrieval(0)
    keep = (manifest["label"] != "b")[neighbors.query]
    neighbors = Neighbors(neighbors.query[keep], neighbors.neighbor[keep], neighbors.similarity[keep])
    table = label_precision(neighbors, manifest, index, [1]).set_index("label")
    assert table.loc["none", "index_images"] == 0
    assert table.loc["none", "queries"] > 0
    assert table.loc["b", "queries"] == 0
    assert table["value"].isna().tolist() == [False, True, False, False, False, True]
    assert correlate_frequency(table.reset_index())["labels"].tolist() == [4]


def test_the_mean_over_labels_is_the_macro_precision_of_the_retrieval_table():
    neighbors, manifest, index = retrieval(1)
    macro = score_retrieval(neighbors, manifest, index, ["pathology"], [1, 3, 12])
    macro = macro[(macro["average"] == "macro") & (macro["metric"] == "precision")].set_index("k")["value"]
    found = label_precision(neighbors, manifest, index, [1, 3, 12]).groupby("k")["value"].mean()
    np.testing.assert_allclose(found, macro[[1, 3, 12]])


def test_values_do_not_depend_on_the_size_of_blocks(monkeypatch):
    case = retrieval(2)
    whole = label_precision(*case, [1, 5])
    monkeypatch.setattr(hits, "ROWS", 7)
    pd.testing.assert_frame_equal(label_precision(*case, [1, 5]), whole, check_exact=True)


def precision(images, values, k=1):
    labels = [f"l{place}" for place in range(len(images))]
    return pd.DataFrame({"label": labels, "index_images": images, "queries": 5, "k": k, "value": values})


def test_the_correlation_by_hand():
    # ranks 1 2 3 4 5 against 2 1 3 5 4: 1 - 6 * 4 / (5 * 24)
    table = correlate_frequency(precision([1, 10, 11, 50, 900], [0.2, 0.1, 0.3, 0.9, 0.8]))
    assert table["value"].tolist() == pytest.approx([0.8])
    assert table["labels"].tolist() == [5]
    # z = 1.0986 and sqrt(1.32 / 2) * 1.96 = 1.5923
    assert table[["ci_low", "ci_high"]].to_numpy()[0] == pytest.approx(
        np.tanh([1.0986 - 1.5923, 1.0986 + 1.5923]), abs=1e-4
    )


def test_there_is_one_row_per_depth():
    table = correlate_frequency(pd.concat([precision([1, 2, 3, 4], [4, 3, 2, 1], k) for k in (1, 5)]))
    assert table["k"].tolist() == [1, 5]
    assert table["value"].tolist() == pytest.approx([-1, -1])
    assert table[["ci_low", "ci_high"]].isna().all(axis=None)


@pytest.mark.parametrize("value", [1, -1, np.nextafter(1, 0), np.nan])
def test_a_perfect_correlation_has_no_interval(value):
    assert np.isnan(spearman_interval(value, 20)).all()


def test_precision_that_does_not_vary_has_no_correlation():
    table = correlate_frequency(precision([1, 2, 3, 4], [1.0, 1, 1, 1]))
    assert table[["value", "ci_low", "ci_high"]].isna().all(axis=None)


def test_the_interval_covers_the_correlation_in_95_of_100_samples():
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(800):
        first, noise = generator.normal(size=(2, 40))
        found = spearmanr(first, 0.6 * first + 0.8 * noise).statistic
        low, high = spearman_interval(found, 40)
        covered += (
            low < 6 / np.pi * np.arcsin(0.6 / 2) < high
        )  # Spearman's coefficient of normal pairs with correlation 0.6
    assert covered / 800 == pytest.approx(0.95, abs=0.025)


@settings(max_examples=50, deadline=None)
@given(st.floats(-0.999, 0.999), st.integers(4, 500))
def test_an_interval_holds_its_value_and_mirrors_with_it(value, pairs):
    low, high = spearman_interval(value, pairs)
    assert -1 <= low <= value <= high <= 1
    assert spearman_interval(-value, pairs) == pytest.approx((-high, -low))


# sorted by modality, then by region; sorted as plain text, "CT-A/…" would come before "CT/…"
LABELS = [
    ("CT", "chest", "nodule"),
    ("CT", "head", "bleed"),
    ("CT-A", "chest", "embolism"),
    ("MR", "brain", "tumour"),
]


def manifest_of(codes):
    table = pd.DataFrame([LABELS[code] for code in codes], columns=["modality", "anatomic_region", "pathology"])
    return table.assign(label=table.agg("/".join, axis=1))


def nearest_only(query, nearest):
    neighbor = np.stack([nearest, np.zeros_like(nearest)], axis=1)
    return Neighbors(np.asarray(query), neighbor, np.zeros(neighbor.shape, np.float32))


def test_confusion_by_hand_in_the_order_of_modality_and_region():
    images = manifest_of([2, 0, 1, 3, 0, 0, 0, 2, 1])
    table = count_confusion(nearest_only([4, 5, 6, 7, 8], np.array([1, 1, 2, 3, -1])), images)
    assert table.to_dict("list") == {
        "label": ["CT/chest/nodule", "CT/chest/nodule", "CT/head/bleed", "CT-A/chest/embolism"],
        "neighbor_label": ["CT/chest/nodule", "CT/head/bleed", "", "MR/brain/tumour"],
        "queries": [2, 1, 1, 1],
        "share": pytest.approx([2 / 3, 1 / 3, 1, 1]),
    }


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_confusion_equals_that_of_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    images = manifest_of(generator.integers(0, 4, 80))
    query, nearest = np.arange(30, 80), generator.integers(0, 30, 50)
    table = count_confusion(nearest_only(query, nearest), images)
    names = ["/".join(parts) for parts in LABELS]
    matrix = table.pivot_table(index="label", columns="neighbor_label", values="queries", fill_value=0)
    matrix = matrix.reindex(index=names, columns=names, fill_value=0)
    expected = confusion_matrix(images["label"][query], images["label"][nearest], labels=names)
    np.testing.assert_array_equal(matrix, expected)
    assert table.groupby("label")["share"].sum().to_numpy() == pytest.approx(1)


def test_the_three_tables_of_labels_are_those_of_their_functions():
    generator = np.random.default_rng(0)
    images = manifest_of(generator.integers(0, 4, 80))
    neighbors = nearest_only(np.arange(30, 80), generator.integers(0, 30, 50))
    tables = score_labels(neighbors, images, np.arange(30), [1, 2])
    precision = label_precision(neighbors, images, np.arange(30), [1, 2])
    expected = [precision, correlate_frequency(precision), count_confusion(neighbors, images)]
    assert list(tables) == ["precision", "frequency", "confusion"]
    for found, table in zip(tables.values(), expected, strict=True):
        pd.testing.assert_frame_equal(found, table)
