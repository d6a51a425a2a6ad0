from math import exp
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from cbir.evaluation.classification import score_predictions
from cbir.tasks import knn, predictions
from cbir.tasks.knn import classify_by_neighbors, ranking_k, vote, vote_with_best_k
from cbir.tasks.predictions import predicted_labels


def space(seed=0, images=400, dimensions=6, labels=5):
    """Unit vectors around a centre for each label, which overlap, their label codes, and the rows of each split.

    One label is missing in the index.
    """
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, labels, images) * 2
    vectors = generator.normal(size=(labels, dimensions))[codes // 2] + generator.normal(size=(images, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    split = generator.choice(["train", "val", "test"], images, p=[0.6, 0.2, 0.2])
    split[(codes == 4) & (split == "train")] = "test"
    return vectors, codes, [np.flatnonzero(split == name) for name in ("train", "val", "test")]


def search(vectors, query, index, depth):
    similarity = vectors[query] @ vectors[index].T
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :depth]
    return SimpleNamespace(
        query=query,
        neighbor=index[order],
        similarity=np.take_along_axis(similarity, order, axis=1).astype(np.float32),
    )


def classify(ks, weighted, depth=30, case=None):
    vectors, codes, (train, val, test) = case or space()
    neighbors = [search(vectors, rows, train, depth) for rows in (val, test)]
    return vote_with_best_k(*neighbors, codes, train, ks, weighted)


def reference(k, weighted, rows, case):
    vectors, codes, (train, _, _) = case

    def weigh(distances):  # the distances are Euclidean, between unit vectors
        return np.exp((1 - distances**2 / 2) / knn.TEMPERATURE)

    classifier = KNeighborsClassifier(k, weights=weigh if weighted else "uniform", algorithm="brute")
    return classifier.fit(vectors[train], codes[train]), vectors[rows]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [1, 4, 15])
def test_probabilities_equal_those_of_scikit_learn(k, weighted):
    case = space()
    found = classify([k], weighted, case=case)
    classifier, queries = reference(k, weighted, case[2][2], case)
    assert found.classes.tolist() == classifier.classes_.tolist() == [0, 2, 6, 8]
    np.testing.assert_allclose(found.probability, classifier.predict_proba(queries), atol=1e-5)
    assert (found.setting, found.val_images) == (k, len(case[2][1]))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_k_is_the_smallest_of_those_that_do_best_on_val(seed, weighted):
    case = space(seed)
    ks = [1, 2, 3, 5, 9, 20, 30]
    accuracy = []
    for k in ks:
        classifier, queries = reference(k, weighted, case[2][1], case)
        accuracy.append(np.mean(classifier.predict(queries) == case[1][case[2][1]]))
    found = classify(ks[::-1], weighted, case=case)
    assert found.setting == ks[int(np.argmax(accuracy))]
    classifier, queries = reference(found.setting, weighted, case[2][2], case)
    assert (predicted_labels(found) == classifier.predict(queries)).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_scores_that_rank_are_weighted_votes_of_the_largest_k(weighted):
    case = space()
    found = classify([1, 20], weighted, case=case)
    classifier, queries = reference(20, True, case[2][2], case)
    np.testing.assert_allclose(found.ranking, classifier.predict_proba(queries), atol=1e-5)
    assert found.ranking_setting == 20


def test_the_same_vectors_have_the_same_area_under_the_roc_curve_whatever_k_is_chosen():
    """Val images whose labels suit one neighbor, or many, make the choice differ; the test images are the same."""
    vectors, codes, (train, val, test) = space()
    manifest = pd.DataFrame(
        {"label": [f"label{code}" for code in codes], "patient_id": np.arange(len(codes)).astype(str)}
    )
    scores = {}
    for chosen in (1, 30):
        classifier, queries = reference(chosen, False, val, (vectors, codes, (train, val, test)))
        suited = codes.copy()
        suited[val] = classifier.predict(queries)
        neighbors = [search(vectors, rows, train, 30) for rows in (val, test)]
        for weighted in (False, True):
            found = vote_with_best_k(*neighbors, suited // 2, train, [1, 30], weighted)
            if not weighted:
                assert found.setting == chosen
            scores[chosen, weighted] = score_predictions(found, manifest).set_index("metric")
    areas = {score.loc["roc_auc", "value"] for score in scores.values()}
    assert len(areas) == 1
    assert {score.loc["roc_auc", "setting"] for score in scores.values()} == {30}
    accuracy = [scores[chosen, False].loc["accuracy", "value"] for chosen in (1, 30)]
    assert accuracy[0] != accuracy[1]


def test_the_k_that_ranks_is_the_largest_up_to_100_and_at_most_the_train_images():
    assert ranking_k([5, 100, 1]) == 100
    assert ranking_k([200, 50, 101]) == 50
    assert ranking_k([400, 200]) == 200
    assert classify([1, 50], weighted=False, depth=12).ranking_setting == 12


def test_votes_by_hand():
    labels = np.array([[2, 0, 0]])
    similarity = np.array([[0.9, 0.83, 0.76]], np.float32)
    assert vote(labels, similarity, 3, weighted=False)[0] == pytest.approx([2 / 3, 0, 1 / 3])
    weights = [1, exp(-1), exp(-2)]  # 0.07 apart
    expected = [(weights[1] + weights[2]) / sum(weights), 0, 1 / sum(weights)]
    assert vote(labels, similarity, 3, weighted=True)[0] == pytest.approx(expected, rel=1e-5)


def test_a_k_beyond_the_index_counts_as_its_size():
    assert classify([1000], weighted=False, depth=12).setting == 12


def test_without_val_images_the_smallest_k_is_taken():
    vectors, codes, (train, _, test) = space()
    found = classify([20, 3], weighted=True, case=(vectors, codes, (train, np.empty(0, np.int64), test)))
    assert (found.setting, found.val_images) == (3, 0)


def test_predictions_do_not_depend_on_the_size_of_blocks(monkeypatch):
    whole = classify([3, 9], weighted=True)
    monkeypatch.setattr(predictions, "ROWS", 7)
    assert (classify([3, 9], weighted=True).probability == whole.probability).all()


@given(st.integers(0, 2**32), st.booleans(), st.floats(-0.5, 0.5))
def test_votes_sum_to_1_and_do_not_change_when_all_similarities_shift(seed, weighted, shift):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, (3, 6))
    similarity = -np.sort(-generator.uniform(-0.5, 0.5, (3, 6)), axis=1)
    votes = vote(labels, similarity, 4, weighted)
    assert votes.sum(axis=1) == pytest.approx(1)
    np.testing.assert_allclose(vote(labels, similarity + shift, 4, weighted), votes, atol=1e-12)


def test_test_images_are_classified_by_the_train_images_with_the_codes_of_the_manifest():
    vectors, codes, (train, val, test) = case = space()
    manifest = pd.DataFrame({"label": [f"label{code}" for code in codes], "split": "train"})
    manifest.loc[val, "split"] = "val"
    manifest.loc[test, "split"] = "test"
    ks = [1, 5, 1000]
    both = classify_by_neighbors(vectors.astype(np.float32), manifest, ks, threads=1, seed=0)
    names = sorted(set(manifest["label"]))
    for found, weighted in zip(both, (False, True), strict=True):
        expected = classify(ks, weighted, depth=len(train), case=case)
        assert found.query.tolist() == test.tolist()
        assert [names[code] for code in found.classes] == [f"label{code}" for code in expected.classes]
        np.testing.assert_allclose(found.probability, expected.probability, atol=1e-5)
        assert (found.setting, found.val_images) == (expected.setting, len(val))
