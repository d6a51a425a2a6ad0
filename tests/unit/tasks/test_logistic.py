import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from threadpoolctl import threadpool_limits

from cbir.tasks import logistic
from cbir.tasks.logistic import STRENGTHS, choose_strength, classify_by_regression, fit_logistic, split_folds
from cbir.tasks.predictions import predicted_labels


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def space(seed=0, images=300, dimensions=12, labels=4, spread=0.8):
    """Unit vectors around a centre for each label in a narrow cone, and their manifest."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, labels, images)
    centre = generator.normal(size=(labels, dimensions))
    vectors = centre[label] + spread * np.sqrt(dimensions) * generator.normal(size=(images, dimensions)) + 3
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    manifest = pd.DataFrame({"label": [f"label{code}" for code in label], "split": "train"})
    manifest["split"] = generator.choice(["train", "val", "test"], images, p=[0.5, 0.25, 0.25])
    return vectors, manifest.assign(patient_id=[f"p{row}" for row in range(images)])


def patient_space(seed=0, patients=40, images=4, dimensions=24):
    """Images of patients who differ more from each other than their labels do: a leak rewards learning the patients."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, patients)
    patient = 0.35 * np.sqrt(dimensions) * generator.normal(size=(patients, dimensions))
    patient[:, :2] += 1.5 * np.eye(2)[label]
    vectors = np.repeat(patient, images, axis=0) + 0.1 * generator.normal(size=(patients * images, dimensions))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return vectors, np.repeat(label, images), np.repeat(np.arange(patients), images)


def reference(strength):
    return LogisticRegression(C=strength, tol=1e-8, max_iter=20_000)


@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("strength", [1, 100, 10_000])
def test_probabilities_equal_those_of_scikit_learn_on_the_train_images_alone(labels, strength, monkeypatch):
    monkeypatch.setattr(logistic, "STRENGTHS", (strength,))
    vectors, manifest = space(labels=labels)
    found = classify_by_regression(vectors, manifest, seed=0)
    train, test = (np.flatnonzero(manifest["split"] == split) for split in ("train", "test"))
    expected = reference(strength).fit(vectors[train].astype(float), manifest["label"].iloc[train])
    assert [f"label{code}" for code in found.classes] == expected.classes_.tolist()
    np.testing.assert_array_equal(found.query, test)
    np.testing.assert_allclose(found.probability, expected.predict_proba(vectors[test].astype(float)), atol=0.01)
    assert (found.setting, found.val_images) == (strength, (manifest["split"] == "val").sum())


@pytest.mark.parametrize("seed", range(4))
def test_the_strength_is_the_smallest_of_those_that_do_best_on_val(seed):
    vectors, manifest = space(seed, images=200)
    train, val = (np.flatnonzero(manifest["split"] == split) for split in ("train", "val"))
    label = manifest["label"].to_numpy()
    accuracy = [reference(C).fit(vectors[train], label[train]).score(vectors[val], label[val]) for C in STRENGTHS]
    assert classify_by_regression(vectors, manifest, seed=0).setting == STRENGTHS[int(np.argmax(accuracy))]


def test_of_equally_good_strengths_the_smallest_is_taken():
    vectors = np.eye(2, dtype=np.float32)[[0, 1] * 20]
    rows = np.arange(40)
    chosen = choose_strength(vectors, rows % 2, rows, rows[:30], rows[30:], seed=0)
    assert chosen == STRENGTHS[0]


def test_without_val_images_the_strength_is_chosen_by_a_cross_validation_by_patient():
    vectors, codes, patients = patient_space()
    rows = np.arange(len(codes))
    by_patient, by_image = (
        [np.mean(cross_val_predict(reference(C), vectors, codes, cv=folds) == codes) for C in STRENGTHS]
        for folds in (
            list(GroupKFold(5, shuffle=True, random_state=7).split(rows, groups=patients)),
            KFold(5, shuffle=True, random_state=7),
        )
    )
    expected = STRENGTHS[int(np.argmax(by_patient))]
    assert STRENGTHS[int(np.argmax(by_image))] != expected  # a leak is seen
    assert choose_strength(vectors, codes, patients, rows, rows[:0], seed=7) == expected


def test_every_patient_is_held_out_once_and_never_on_two_sides():
    rows = np.arange(10, 250)
    patients = np.random.default_rng(0).integers(0, 31, 300)
    folds = split_folds(rows, patients, seed=0)
    assert len(folds) == 5
    assert np.sort(np.concatenate([held for _, held in folds])).tolist() == rows.tolist()
    for fitted, held in folds:
        assert set(patients[fitted]).isdisjoint(patients[held])
        assert len(fitted) + len(held) == len(rows)


def test_one_patient_alone_gives_no_choice(caplog):
    vectors, manifest = space()
    manifest.loc[manifest["split"] == "val", "split"] = "test"
    found = classify_by_regression(vectors, manifest.assign(patient_id="p"), seed=0)
    assert (found.setting, found.val_images) == (100, 0)
    assert "no val images: C = 100 is not chosen" in caplog.text


def test_one_label_alone_is_always_predicted():
    vectors, manifest = space()
    found = classify_by_regression(vectors, manifest.assign(label="same"), seed=0)
    np.testing.assert_array_equal(found.probability, np.ones((len(found.query), 1)))


def test_a_fit_that_does_not_converge_is_a_warning_in_the_log(monkeypatch, caplog):
    vectors, manifest = space()
    codes = pd.factorize(manifest["label"])[0]
    with caplog.at_level(logging.WARNING, logger="cbir.tasks.logistic"):
        fit_logistic(vectors, np.arange(len(codes)), codes, 100)
        assert caplog.text == ""
        monkeypatch.setattr(logistic, "ITERATIONS", 3)
        fit_logistic(vectors, np.arange(len(codes)), codes, 100)
    assert "C = 100: lbfgs failed to converge after 3 iteration(s)" in caplog.text


def test_the_strength_is_chosen_on_a_sample_and_all_train_images_are_fitted_with_it(monkeypatch):
    vectors, manifest = space()
    fits, fit = [], logistic.fit_logistic
    monkeypatch.setattr(logistic, "SAMPLE", 60)
    monkeypatch.setattr(logistic, "fit_logistic", lambda *args: fits.append(args[1]) or fit(*args))
    found = classify_by_regression(vectors, manifest, seed=0)
    train = np.flatnonzero(manifest["split"] == "train")
    assert [len(set(rows)) for rows in fits] == [60] * len(STRENGTHS) + [len(train)]
    assert all(set(rows) <= set(train) for rows in fits)
    expected = reference(found.setting).fit(vectors[train], manifest["label"].iloc[train])
    assert np.mean(expected.predict(vectors[found.query]) == [f"label{c}" for c in predicted_labels(found)]) > 0.98


def test_a_fit_runs_on_one_thread_in_a_process_that_has_not_loaded_scikit_learn_before():
    code = """
import numpy as np, pandas as pd
from threadpoolctl import threadpool_info
from cbir.tasks import logistic
threads, fit = [], logistic.fit_logistic
def watch(*args):
    fitted = fit(*args)
    threads.extend(library["num_threads"] for library in threadpool_info())
    return fitted
logistic.fit_logistic = watch
manifest = pd.DataFrame({"label": list("abab"), "split": ["train"] * 3 + ["test"], "patient_id": list("1234")})
logistic.classify_by_regression(np.eye(4, dtype=np.float32), manifest, seed=0)
print(max(threads))
"""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    environment = os.environ | threads | {"PYTHONPATH": str(Path(logistic.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_mapped_file_gives_the_same_predictions_and_stays_as_it_is(tmp_path, monkeypatch):
    vectors, manifest = space()
    np.save(tmp_path / "embeddings.npy", vectors)
    first = classify_by_regression(np.load(tmp_path / "embeddings.npy", mmap_mode="r"), manifest, seed=0)
    before = vectors.copy()
    second = classify_by_regression(vectors, manifest, seed=0)
    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(vectors, before)
