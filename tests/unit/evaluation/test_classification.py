import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from cbir.evaluation.classification import score_predictions
from cbir.tasks.predictions import Predictions

AREA = ("roc_auc", "macro")


def score(query, classes, probability, codes, patients=None, **ranking):
    patients = [f"p{row}" for row in range(len(codes))] if patients is None else patients
    manifest = pd.DataFrame({"label": [f"label{code:03}" for code in codes], "patient_id": patients})
    predictions = Predictions(np.array(query), np.array(classes), np.array(probability, np.float32), 7, 30, **ranking)
    return score_predictions(predictions, manifest)


def values(table):
    return table.set_index(["metric", "average"])["value"]


def random_case(seed, queries=120, labels=5):
    generator = np.random.default_rng(seed)
    codes = np.append(generator.integers(0, labels, queries), np.arange(labels))
    probability = generator.dirichlet(np.ones(labels), queries).round(2)
    probability[np.arange(queries), codes[:queries]] += 0.15
    return np.arange(queries), np.arange(labels), probability, codes


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_those_of_scikit_learn_where_no_label_is_missing(seed):
    query, classes, probability, codes = random_case(seed)
    found = values(score(query, classes, probability, codes))
    true, predicted = codes[query], probability.argmax(axis=1)
    assert found["accuracy", "micro"] == pytest.approx(metrics.accuracy_score(true, predicted))
    for average in ("micro", "macro"):
        assert found["precision", average] == pytest.approx(metrics.precision_score(true, predicted, average=average))
        assert found["recall", average] == pytest.approx(metrics.recall_score(true, predicted, average=average))
        assert found["f1", average] == pytest.approx(metrics.f1_score(true, predicted, average=average))
    one_hot = true[:, None] == classes
    auc = metrics.roc_auc_score(one_hot, probability.astype(np.float32), average="macro")
    assert found["roc_auc", "macro"] == pytest.approx(auc)


def test_the_roc_curve_is_that_of_the_scores_that_rank_and_names_their_setting():
    query, classes, probability, codes = random_case(4)
    ranking = np.random.default_rng(5).random(probability.shape).astype(np.float32)
    found = score(query, classes, probability, codes, ranking=ranking, ranking_setting=100)
    without = score(query, classes, probability, codes)
    auc = metrics.roc_auc_score(codes[query][:, None] == classes, ranking, average="macro")
    assert values(found)[AREA] == pytest.approx(auc)
    assert values(found).drop(AREA).equals(values(without).drop(AREA))
    settings = found.set_index("metric")["setting"]
    assert settings["roc_auc"] == 100
    assert (settings.drop("roc_auc") == 7).all()


def test_scores_by_hand_with_labels_that_are_missing_in_a_split():
    # label 0: 3 queries, 1: 1 query, 2: index only, 3: queries only, 4: of val only
    codes = [0, 0, 0, 1, 3, 3, 0, 1, 2, 4]
    probability = [[0.6, 0.3, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [0.2, 0.8, 0.0], [1, 0, 0], [0, 0, 1]]
    table = score(range(6), [0, 1, 2], probability, codes)
    found = values(table)
    assert found["accuracy", "micro"] == pytest.approx(2 / 4)
    for metric in ("precision", "recall", "f1"):
        assert found[metric, "micro"] == pytest.approx(2 / 4)
    assert found["recall", "macro"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["precision", "macro"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["f1", "macro"] == pytest.approx((2 * (1 / 3) / (4 / 3) + 2 * (1 / 2) / (3 / 2)) / 2)
    # label 0 against 1: .6 .4 .1 against .2, two of three pairs; label 1 against 0: .8 against .3 .5 .2, all pairs
    assert found["roc_auc", "macro"] == pytest.approx((2 / 3 + 1) / 2)
    assert (table["queries"] == 4).all()
    assert (table["labels_scored"] == 2).all()
    assert (table["labels_absent"] == 3).all()
    assert (table["setting"] == 7).all()
    assert (table["val_images"] == 30).all()


def test_a_label_that_is_never_predicted_has_precision_0():
    found = values(score([0, 1], [0, 1], [[0.9, 0.1], [0.8, 0.2]], [0, 1]))
    assert found["precision", "macro"] == pytest.approx((1 / 2 + 0) / 2)


def test_one_label_alone_has_no_roc_curve():
    table = score([0, 1], [0, 1], [[0.9, 0.1], [0.2, 0.8]], [0, 0, 1])
    assert np.isnan(values(table)["roc_auc", "macro"])
    assert values(table)["recall", "macro"] == 0.5


def test_queries_of_unseen_labels_alone_give_no_score():
    table = score([0, 1], [5], [[1.0], [1.0]], [0, 1, 2, 3, 4, 5])
    assert table[["value", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (table["queries"] == 0).all()
    assert (table["labels_absent"] == 6).all()


def test_intervals_are_those_of_the_hits_and_about_as_wide_as_those_of_a_bootstrap_over_patients():
    query, classes, probability, codes = random_case(1, queries=200)
    patient = np.random.default_rng(2).integers(0, 60, len(codes))
    table = score(query, classes, probability, codes, [f"p{code:02}" for code in patient])
    correct = pd.DataFrame({"hit": probability.argmax(axis=1) == codes[query], "label": codes[query]})
    groups = [group for _, group in correct.groupby(patient[query])]
    generator = np.random.default_rng(3)
    means = {"micro": [], "macro": []}
    for _ in range(800):
        drawn = pd.concat([groups[one] for one in generator.integers(0, len(groups), len(groups))])
        means["micro"].append(drawn["hit"].mean())
        means["macro"].append(drawn.groupby("label")["hit"].mean().mean())
    table = table.set_index(["metric", "average"])
    for metric, average in (("accuracy", "micro"), ("f1", "micro"), ("recall", "macro")):
        interval = table.loc[(metric, average), ["ci_low", "ci_high"]].to_numpy(float)
        assert interval == pytest.approx(np.quantile(means[average], [0.025, 0.975]), abs=0.025)
    assert table.loc[[("precision", "macro"), ("f1", "macro"), ("roc_auc", "macro")], "ci_low"].isna().all()


def test_labels_of_one_patient_are_counted_and_a_perfect_classifier_has_an_interval():
    codes = [0, 0, 0, 1, 1, 2]
    table = score(range(6), range(3), np.eye(3)[codes], codes, ["a", "b", "b", "a", "a", "c"])
    assert (table["labels_of_one_patient"] == 2).all()
    found = table[table["ci_low"].notna()]
    assert list(found["metric"]) == ["accuracy", "precision", "recall", "f1", "recall"]
    assert (found["ci_low"] < 1).all()
    assert (found["ci_high"] == 1).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_classifier_that_is_always_right_scores_1_and_its_labels_may_be_renamed(seed):
    query, classes, probability, codes = random_case(seed, queries=30)
    table = score(query, classes, codes[query][:, None] == classes, codes)
    assert (table["value"] == 1).all()
    probability += 1e-4 * classes  # no two labels are equally probable
    renamed = score(query, classes, probability[:, ::-1], classes[-1] - codes)
    pd.testing.assert_series_equal(values(renamed), values(score(query, classes, probability, codes)))
