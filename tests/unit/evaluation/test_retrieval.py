import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.errors import InputError
from cbir.evaluation import hits
from cbir.evaluation.levels import LEVELS as ALL_LEVELS
from cbir.evaluation.metrics import average_precision, normalized_gain
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.neighbors import Neighbors
from rankings import hits_of

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
    """An exact search of embeddings that depend on their labels; one of four hands is in the index."""
    generator = np.random.default_rng(seed)
    label = np.append(generator.integers(0, 6, images - 4), [6] * 4)
    manifest = pd.DataFrame([LABELS[code] for code in label], columns=LEVELS)
    manifest["patient_id"] = [f"p{patient:03}" for patient in generator.integers(0, images // 3, images)]
    index = np.append(np.sort(generator.choice(images - 4, images // 2, replace=False)), images - 1)
    query = np.setdiff1d(np.arange(images), index)
    embedding = generator.normal(size=(7, 8))[label] + 2 * generator.normal(size=(images, 8))
    order = np.argsort(-embedding[query] @ embedding[index].T, axis=1, kind="stable")[:, :depth]
    return query, index[order], manifest, index


def score(query, neighbor, manifest, index, levels=LEVELS, at=(1, 5)):
    """The scores of precision alone."""
    table = score_all(query, neighbor, manifest, index, levels, at)
    return table[table["metric"].str.startswith("precision")].reset_index(drop=True)


def score_all(query, neighbor, manifest, index, levels=LEVELS, at=(1, 5)):
    manifest = manifest.assign(label=manifest[LEVELS].agg("/".join, axis=1))
    neighbors = Neighbors(query, neighbor, np.zeros(neighbor.shape, np.float32))
    return score_retrieval(neighbors, manifest, index, levels, at)


def brute_force(query, neighbor, manifest, index):
    """The same scores, computed for one query and one depth after the other."""
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


def assert_same_scores(found, expected):
    keys = ["level", "average", "metric", "k"]
    pd.testing.assert_frame_equal(
        found[expected.columns].sort_values(keys, ignore_index=True),
        expected.sort_values(keys, ignore_index=True),
        rtol=0,
        atol=1e-9,
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_precision_equals_that_of_a_loop_over_queries(seed):
    case = retrieval(seed)
    assert_same_scores(score(*case), brute_force(*case))


def test_missing_neighbors_are_misses():
    query, neighbor, manifest, index = retrieval(2)
    neighbor[::2, 3:] = -1
    neighbor[5] = -1
    assert_same_scores(score(query, neighbor, manifest, index), brute_force(query, neighbor, manifest, index))


def test_queries_without_an_image_of_their_label_in_the_index_are_left_out_and_not_counted():
    query, neighbor, manifest, index = retrieval(3)
    index = index[:-1]
    neighbor = np.where(neighbor == len(manifest) - 1, -1, neighbor)
    table = score(query, neighbor, manifest, index)
    assert_same_scores(table, brute_force(query, neighbor, manifest, index))
    counts = table.groupby("level")["queries"].first()
    assert counts.to_dict() == {"modality": len(query), "anatomic_region": len(query) - 3, "pathology": len(query) - 3}
    hands = slice(-3, None)
    alone = score(query[hands], neighbor[hands], manifest, index, levels=["pathology"])
    assert alone[["value", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (alone["queries"] == 0).all()


def test_scores_do_not_depend_on_the_size_of_blocks(monkeypatch):
    case = retrieval(4)
    whole = score_all(*case, list(ALL_LEVELS))
    monkeypatch.setattr(hits, "ROWS", 7)
    pd.testing.assert_frame_equal(score_all(*case, list(ALL_LEVELS)), whole, check_exact=True)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_the_order_of_images_in_the_manifest_changes_nothing(seed):
    query, neighbor, manifest, index = retrieval(5, images=60)
    place = np.random.default_rng(seed).permutation(len(manifest))
    shuffled = manifest.iloc[np.argsort(place)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        score_all(place[query], place[neighbor], shuffled, np.sort(place[index]), list(ALL_LEVELS)),
        score_all(query, neighbor, manifest, index, list(ALL_LEVELS)),
        rtol=0,
        atol=1e-12,
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 15))
def test_precision_and_its_interval_lie_between_0_and_1(seed, depth):
    table = score(*retrieval(seed, depth=depth), at=[depth])
    for column in ("value", "ci_low", "ci_high"):
        assert table[column].dropna().between(0, 1).all()


def test_a_perfect_ranking_scores_1_at_all_levels():
    query, _, manifest, index = retrieval(6)
    parts = manifest[LEVELS].to_numpy()
    shared = np.cumprod(parts[query][:, None] == parts[index], axis=2).sum(axis=2)
    neighbor = index[np.argsort(-shared, axis=1, kind="stable")[:, :20]]
    table = score(query, neighbor, manifest, index).query("metric == 'precision'")
    assert (table["value"] == 1).all()
    assert (table["ci_high"].dropna() == 1).all()
    assert (table["ci_low"].dropna() < 1).all()


def test_precision_has_one_row_per_k_with_intervals_at_the_depths_asked_for():
    table = score(*retrieval(7), at=[1, 3, 10])
    estimates = ["value", "ci_low", "ci_high", "queries", "labels_of_one_patient", "chance"]
    assert list(table) == ["level", "average", "metric", "k", *estimates]
    assert not table.duplicated(["level", "average", "metric", "k"]).any()
    assert len(table) == 3 * 2 * 2 * 20
    asked = table["k"].isin([1, 3, 10]) & (table["metric"] == "precision")
    assert (table["ci_low"].notna() == asked).all()
    assert (table["ci_high"].notna() == asked).all()
    micro = table[asked & (table["average"] == "micro")]
    assert ((micro["ci_low"] < micro["value"]) & (micro["value"] < micro["ci_high"])).all()


def test_intervals_are_about_those_of_a_bootstrap_over_patients():
    query, neighbor, manifest, index = retrieval(8)
    found = score(query, neighbor, manifest, index, levels=["modality"], at=[1]).query("k == 1")
    modality = manifest["modality"].to_numpy()
    hit = pd.DataFrame({"hit": modality[neighbor[:, 0]] == modality[query], "patient": manifest["patient_id"][query]})
    sums = hit.groupby("patient")["hit"].agg(["sum", "count"]).to_numpy()
    taken = sums[np.random.default_rng(1).integers(len(sums), size=(20000, len(sums)))].sum(axis=1)
    expected = np.quantile(taken[:, 0] / taken[:, 1], [0.025, 0.975])
    interval = found[found["ci_low"].notna() & (found["average"] == "micro")][["ci_low", "ci_high"]]
    assert interval.to_numpy().ravel() == pytest.approx(expected, abs=0.02)


def test_labels_whose_queries_are_of_one_patient_are_counted_for_each_metric():
    query, neighbor, manifest, index = retrieval(13)
    manifest.loc[manifest["anatomic_region"] == "hand", "patient_id"] = "p000"
    table = score_all(query, neighbor, manifest, index, ["pathology"], at=[1])
    asked = manifest.loc[query].assign(label=manifest[LEVELS].agg("/".join, axis=1))
    patients = asked.groupby("label")["patient_id"].nunique()
    available = manifest.loc[index, LEVELS].agg("/".join, axis=1).value_counts()
    assert (patients == 1).any()
    found = table.groupby("metric")["labels_of_one_patient"].unique()
    assert found["precision"].tolist() == found["map"].tolist() == [(patients == 1).sum()]
    reached = patients[available.reindex(patients.index) <= 20]
    assert found["r_precision"].tolist() == [(reached == 1).sum()]


def test_levels_keep_the_order_asked_for():
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


def test_the_other_metrics_have_one_row_per_depth_with_an_interval_and_a_chance_level():
    table = score_all(*retrieval(7), list(ALL_LEVELS), at=[1, 3])
    assert list(table["level"].unique()) == list(ALL_LEVELS)
    assert not table.duplicated(["level", "average", "metric", "k"]).any()
    depths = table[~table["metric"].str.startswith("precision")].groupby("metric")["k"].unique().map(list).to_dict()
    cut = {metric: [1, 3, 20] for metric in ("map", "map_found", "mrr", "ndcg", "recall", "hit_rate")}
    assert depths == cut | {"majority_vote": [1, 3], "majority_vote_tied": [1, 3], "r_precision": [20]}
    others = table[~table["metric"].str.startswith("precision") & (table["queries"] > 0)]
    assert ((others["ci_low"] <= others["value"]) & (others["value"] <= others["ci_high"])).mean() > 0.95
    assert others["chance"].between(0, 1).all()
    assert table.loc[table["metric"] == "precision", "chance"].between(0, 1).all()
    assert table.loc[table["metric"] == "precision_std", "chance"].isna().all()


def test_micro_and_macro_of_the_other_metrics_equal_those_of_a_loop_over_queries():
    query, neighbor, manifest, index = retrieval(3)
    table = score_all(query, neighbor, manifest, index, ["pathology"], at=[5])
    label = manifest[LEVELS].agg("/".join, axis=1)
    found = label.loc[index].value_counts()
    values, by_label = {}, {}
    for row, ranking in zip(query, neighbor, strict=True):
        hits, n = (label[ranking] == label[row]).to_numpy(), found.get(label[row], 0)
        if n:
            votes = label[ranking[:5]].value_counts(sort=False)
            elected = next(one for one in label[ranking[:5]] if votes[one] == votes.max())
            values[row] = {
                "map": average_precision(hits_of(hits[None], [n]), np.array([5])).item(),
                "ndcg": normalized_gain(hits_of(hits[None], [n]), np.array([5])).item(),
                "map_found": sum(hits[: i + 1].sum() / (i + 1) for i in range(5) if hits[i]) / max(hits[:5].sum(), 1),
                "hit_rate": float(hits[:5].any()),
                "mrr": next((1 / rank for rank in range(1, 6) if hits[rank - 1]), 0),
                "recall": hits[:5].sum() / n,
                "majority_vote": float(elected == label[row]),
                "majority_vote_tied": float(votes.get(label[row], 0) == votes.max()),
                "r_precision": hits[:n].mean() if n <= 20 else np.nan,
            }
    values = pd.DataFrame(values).T
    by_label = values.groupby(label).mean()
    table = table[(table["k"] == 5) | (table["metric"] == "r_precision")].set_index(["metric", "average"])
    for metric in values:
        assert table.loc[(metric, "micro"), "value"] == pytest.approx(values[metric].mean()), metric
        assert table.loc[(metric, "macro"), "value"] == pytest.approx(by_label[metric].mean()), metric
        assert table.loc[(metric, "micro"), "queries"] == values[metric].notna().sum(), metric


def few_small_labels(sizes):
    """An exact search to depth 20 among labels of these sizes, of which half is in the index and half are queries."""
    label = np.repeat(np.arange(len(sizes)), 2 * np.array(sizes))
    manifest = pd.DataFrame({"modality": "CT", "anatomic_region": "head", "pathology": [f"f{code}" for code in label]})
    manifest["patient_id"] = [f"p{row}" for row in range(len(label))]
    index, query = np.arange(0, len(label), 2), np.arange(1, len(label), 2)
    embedding = np.eye(len(sizes))[label] + np.random.default_rng(0).normal(0, 0.5, (len(label), len(sizes)))
    return query, index[np.argsort(-embedding[query] @ embedding[index].T, axis=1)[:, :20]], manifest, index


@pytest.mark.parametrize("sizes", [[10, 40, 40, 40], [15, 15, 90], [60, 5, 5, 60, 60]])
def test_r_precision_of_less_than_half_of_the_queries_or_labels_is_not_given(sizes):
    """The search reaches all images of the small labels alone. The second case has two of three labels."""
    case = few_small_labels(sizes)
    table = score_all(*case, ["pathology"]).set_index(["average", "metric", "k"])
    assert (table.xs("r_precision", level="metric")["queries"] == 0).all()
    assert table.xs("r_precision", level="metric")[["value", "ci_low", "ci_high", "chance"]].isna().all(axis=None)
    assert (table.xs("recall", level="metric")["queries"] == len(case[0])).all()


def test_r_precision_of_half_of_the_queries_and_of_the_labels_is_given():
    query, neighbor, manifest, index = few_small_labels([20, 20, 40])
    table = score_all(query, neighbor, manifest, index, ["pathology"]).query("metric == 'r_precision'")
    found = manifest["pathology"].to_numpy()
    small = [(found[ranking] == found[row]).mean() for row, ranking in zip(query, neighbor, strict=True)][:40]
    assert table["value"].tolist() == pytest.approx([np.mean(small)] * 2)
    assert table["queries"].tolist() == [40, 40]
    assert table["chance"].tolist() == pytest.approx([20 / 80] * 2)
    assert ((table["ci_low"] <= table["value"]) & (table["value"] <= table["ci_high"])).all()


def test_within_a_region_only_its_images_are_ranked():
    """The scores equal those of an index that holds the region alone, where the search reaches all of the index."""
    query, _, manifest, index = retrieval(10)
    generator = np.random.default_rng(0)
    neighbor = np.stack([generator.permutation(index) for _ in query])
    region = manifest["modality"] + manifest["anatomic_region"]
    of_head = (region == "MRhead").to_numpy()
    asked = of_head[query]
    alone = index[of_head[index]]
    head = np.stack([row[of_head[row]] for row in neighbor[asked]])
    found = score_all(query[asked], neighbor[asked], manifest, index, ["pathology_in_region"], at=[1, 5])
    expected = score_all(query[asked], head, manifest, alone, ["pathology"], at=[1, 5])
    keys = ["average", "metric", "k"]
    both = found.merge(expected, on=keys, suffixes=["", "_alone"])
    assert set(both["metric"]) >= {"precision", "map", "map_found", "hit_rate", "majority_vote", "majority_vote_tied"}
    for column in ("value", "chance", "queries"):
        np.testing.assert_allclose(both[column], both[f"{column}_alone"], atol=1e-12)


def test_within_a_region_images_beyond_the_search_count_as_misses():
    query, neighbor, manifest, index = retrieval(11)
    deep = score_all(query, neighbor, manifest, index, ["pathology_in_region"]).set_index(["average", "metric", "k"])
    less = score_all(query, neighbor[:, :8], manifest, index, ["pathology_in_region"])
    rising = less["metric"].isin(["precision", "map", "mrr", "recall", "hit_rate"])
    less = less[rising].set_index(["average", "metric", "k"])
    common = less.index.intersection(deep.index)
    assert (less.loc[common, "value"] <= deep.loc[common, "value"] + 1e-12).all()
    assert (less.loc[common, "value"] < deep.loc[common, "value"]).any()


def test_a_random_ranking_scores_the_chance_level():
    query, _, manifest, index = retrieval(12, images=600)
    generator = np.random.default_rng(0)
    tables = []
    for _ in range(12):
        neighbor = np.stack([generator.permutation(index) for _ in query])
        tables.append(score_all(query, neighbor, manifest, index, list(ALL_LEVELS), at=[1, 10]))
    table = pd.concat(tables).query("metric != 'precision_std'")
    means = table.groupby(["level", "average", "metric", "k"])[["value", "chance"]].mean()
    micro = means.xs("micro", level="average")
    assert micro["value"].to_numpy() == pytest.approx(micro["chance"].to_numpy(), abs=0.03)
    assert means["value"].to_numpy() == pytest.approx(means["chance"].to_numpy(), abs=0.12)
