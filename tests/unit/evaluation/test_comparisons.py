from itertools import product

import numpy as np
import pandas as pd
import pytest

from cbir.errors import InputError
from cbir.evaluation import hits, sign_flips
from cbir.evaluation.comparisons import compare_models, compare_values, correct_holm, query_weights
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.neighbors import Neighbors

LEVELS = ["modality", "pathology", "pathology_in_region"]


def retrieval(seed, noises, images=160, depth=20):
    """Neighbors of the same queries in the same index by models with different noise, the manifest and the index."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 6, images)
    parts = {"modality": label // 3, "anatomic_region": label // 2, "pathology": label}
    manifest = pd.DataFrame({name: code.astype(str) for name, code in parts.items()}, dtype="str")
    manifest["label"] = manifest.agg("/".join, axis=1)
    manifest["patient_id"] = [f"p{patient:03}" for patient in generator.integers(0, images // 4, images)]
    index = np.sort(generator.choice(images, images // 2, replace=False))
    query = np.setdiff1d(np.arange(images), index)
    centre = generator.normal(size=(6, 8))[label]
    found = []
    for number, noise in enumerate(noises):
        embedding = centre + noise * generator.normal(size=centre.shape)
        order = np.argsort(-embedding[query] @ embedding[index].T, axis=1, kind="stable")[:, :depth]
        neighbor = index[order]
        found.append((f"model{number}", Neighbors(query, neighbor, np.zeros(neighbor.shape, np.float32))))
    return found, manifest, index


def paired(generator, patients, shift=0.0, images=3):
    """Values (2, queries, 1) of two models whose difference varies by patient around `shift`, labels and patients."""
    patient = np.repeat(np.arange(patients), images)
    base = generator.normal(size=patients)[patient]
    difference = shift + 0.2 * (generator.normal(size=patients)[patient] + generator.normal(size=len(patient)))
    return np.stack([base + difference, base])[:, :, None], np.zeros(len(patient), int), patient


def test_differences_equal_those_of_the_scores_in_the_order_of_levels_averages_depths_and_pairs():
    found, manifest, index = retrieval(0, [0.2, 0.5, 1.5])
    table = compare_models(found, manifest, index, LEVELS, [1, 5], seed=0)
    keys = ["level", "average", "metric", "k"]
    assert list(table) == [*keys, "model", "other", "difference", "ci_low", "ci_high", "p", "p_holm", "queries"]
    pairs = [("model0", "model1"), ("model0", "model2"), ("model1", "model2")]
    expected = [(*row, *pair) for row, pair in product(product(LEVELS, ["micro", "macro"], [1, 5]), pairs)]
    assert table[["level", "average", "k", "model", "other"]].apply(tuple, axis=1).tolist() == expected
    scores = {name: score_retrieval(one, manifest, index, LEVELS, [1, 5]).set_index(keys) for name, one in found}
    for row in table.itertuples():
        place = (row.level, row.average, "precision", row.k)
        difference = scores[row.model].loc[place, "value"] - scores[row.other].loc[place, "value"]
        assert row.difference == pytest.approx(difference, abs=1e-12)
        assert row.queries == scores[row.model].loc[place, "queries"]
    assert table["p"].between(0.0001, 1).all()
    assert (table["p_holm"] >= table["p"]).all()


def test_a_clear_difference_is_found_and_a_model_does_not_differ_from_itself():
    found, manifest, index = retrieval(1, [0.1, 3.0])
    twin = ("twin", found[0][1])
    table = compare_models([*found, twin], manifest, index, ["pathology"], [5], seed=0)
    table = table.set_index(["model", "other"])
    clear, same = table.loc[("model0", "model1")], table.loc[("model0", "twin")]
    assert (clear["ci_low"] > 0).all()
    assert (clear["p_holm"] <= 0.00031).all()
    assert (same[["difference", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert (same[["p", "p_holm"]] == 1).all(axis=None)


def test_p_is_the_share_of_all_sign_flips_where_there_are_few_patients(monkeypatch):
    monkeypatch.setattr(sign_flips, "FLIPS", 40_000)
    generator = np.random.default_rng(2)
    values, _, patients = paired(generator, 8, shift=0.1)
    labels = np.arange(24) % 3 // 2
    compared = compare_values(values, labels, patients, seed=0)
    difference = (values[0] - values[1])[:, 0]
    flips = np.array(list(product([-1, 1], repeat=8)))[:, patients] * difference
    micro = flips.mean(axis=1)
    macro = (flips[:, labels == 0].mean(axis=1) + flips[:, labels == 1].mean(axis=1)) / 2
    for average, statistic in (("micro", micro), ("macro", macro)):
        observed = abs(statistic[-1])  # the last row flips no sign
        expected = np.mean(abs(statistic) >= observed - 1e-12)
        assert compared[average]["p"].item() == pytest.approx(expected, abs=0.01)


def test_the_interval_covers_the_difference_in_95_and_p_rejects_the_truth_in_5_of_100_samples(monkeypatch):
    monkeypatch.setattr(sign_flips, "FLIPS", 199)
    generator = np.random.default_rng(3)
    covered, rejected, rejected_over_images = [], [], []
    for seed in range(300):
        values, labels, patients = paired(generator, 50)
        found = compare_values(values, labels, patients, seed)["micro"]
        covered.append(found["ci_low"].item() <= 0 <= found["ci_high"].item())
        rejected.append(found["p"].item() <= 0.05)
        over_images = compare_values(values, labels, np.arange(len(patients)), seed)["micro"]
        rejected_over_images.append(over_images["p"].item() <= 0.05)
    assert 0.905 <= np.mean(covered) <= 0.98
    assert np.mean(rejected) <= 0.085
    assert np.mean(rejected_over_images) > 0.1


def test_exchanged_models_have_the_opposite_difference_and_the_same_p():
    values, labels, patients = paired(np.random.default_rng(4), 40, shift=0.04)
    there = compare_values(values, labels, patients, seed=0)
    back = compare_values(values[::-1], labels, patients, seed=0)
    for average in ("micro", "macro"):
        assert back[average]["difference"] == pytest.approx(-there[average]["difference"])
        assert back[average]["ci_low"] == pytest.approx(-there[average]["ci_high"])
        assert back[average]["ci_high"] == pytest.approx(-there[average]["ci_low"])
        assert back[average]["p"] == there[average]["p"]


def test_the_size_of_blocks_changes_nothing(monkeypatch):
    found, manifest, index = retrieval(5, [0.3, 0.6])
    whole = compare_models(found, manifest, index, LEVELS, [3], seed=0)
    monkeypatch.setattr(hits, "ROWS", 7)
    monkeypatch.setattr(sign_flips, "BLOCK", 100)
    pd.testing.assert_frame_equal(compare_models(found, manifest, index, LEVELS, [3], 0), whole)


def test_without_a_scored_query_there_is_no_difference_and_a_single_patient_has_no_interval(recwarn):
    values, labels, patients = paired(np.random.default_rng(6), 10)
    for figures in compare_values(np.full_like(values, np.nan), labels, patients, seed=0).values():
        assert all(np.isnan(figure).all() for figure in figures.values())
    values[:, patients != 3] = np.nan
    for figures in compare_values(values, labels, patients, seed=0).values():
        assert np.isfinite(figures["difference"]).all()
        assert np.isnan([figures["ci_low"], figures["ci_high"]]).all()
        assert (figures["p"] == 1).all()
    assert not recwarn.list


def test_queries_without_a_value_change_nothing():
    values, labels, patients = paired(np.random.default_rng(8), 10)
    labels = np.arange(len(labels)) % 4
    more = np.concatenate([values, np.full((2, 3, 1), np.nan)], axis=1)
    found = compare_values(more, np.append(labels, [0, 1, 9]), np.append(patients, [0, 0, 1]), seed=0)
    for average, figures in compare_values(values, labels, patients, seed=0).items():
        for name, figure in figures.items():
            np.testing.assert_allclose(found[average][name], figure, rtol=0, atol=1e-12)


def test_weights_make_the_micro_and_the_macro_mean():
    labels, values = np.array([3, 3, 3, 5, 8, 8]), np.array([1.0, 0, 0, 1, 0, 1])
    assert query_weights(labels, "micro") @ values == pytest.approx(values.mean())
    assert query_weights(labels, "macro") @ values == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)


def test_holm_by_hand():
    p = np.array([[0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.9, 0.2]])
    assert correct_holm(p) == pytest.approx(np.array([[0.03, 0.06, 0.06, 0.02], [1, 1, 1, 0.8]]))
    assert correct_holm(np.array([0.04, np.nan, 0.01])) == pytest.approx([0.04, np.nan, 0.02], nan_ok=True)


def test_models_with_other_queries_are_refused():
    found, manifest, index = retrieval(7, [0.3, 0.6])
    name, other = found[1]
    found[1] = (name, Neighbors(other.query[:-1], other.neighbor[:-1], other.similarity[:-1]))
    with pytest.raises(InputError, match="neighbors of model1 and model0 are of other queries"):
        compare_models(found, manifest, index, LEVELS, [1], seed=0)
