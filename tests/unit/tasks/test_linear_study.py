import logging

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from cbir.tasks import linear_study, predictions
from cbir.tasks.linear_study import classify_by_study_schedule, train_probe
from cbir.tasks.predictions import predicted_labels

LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.01


def space(seed=0, images=900, dimensions=16, labels=4, spread=0.3):
    """Unit vectors around a centre for each label, the labels' codes with gaps, and the rows of train, val and test."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, labels, images)
    centre = generator.normal(size=(labels, dimensions))
    vectors = centre[label] + spread * np.sqrt(dimensions) * generator.normal(size=(images, dimensions))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    order = generator.permutation(images)
    train, val, test = (np.sort(part) for part in np.split(order, [images * 7 // 10, images * 8 // 10]))
    return vectors, label * 3 + 1, train, val, test


def torch_reference(vectors, codes, train, test, batches):
    """AdamW of torch over given batches, positions in `train`; the probabilities of the test rows."""
    classes, target = np.unique(codes[train], return_inverse=True)
    weight = torch.zeros(len(classes), vectors.shape[1], requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for batch in batches:
        scores = torch.from_numpy(vectors[train][batch]) @ weight.T + bias
        loss = -scores.log_softmax(dim=1)[torch.arange(len(batch)), torch.from_numpy(target[batch])].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return softmax(vectors[test] @ weight.detach().numpy().T + bias.detach().numpy(), axis=1)


def test_one_step_equals_that_of_adamw_by_hand():
    vectors, codes, train, _, test = space(images=100)
    target = codes[train][:, None] == np.unique(codes[train])
    error = 1 / 4 - target  # of the softmax at zero weights
    gradient = error.T @ vectors[train] / len(train)
    weight = -LEARNING_RATE * gradient / (np.abs(gradient) + 1e-8)  # the first step of Adam; decay of zero is zero
    bias = -LEARNING_RATE * np.sign(error.mean(axis=0))
    found = train_probe(vectors, codes, train, train[:0], test, steps=1, seed=0)
    np.testing.assert_allclose(found.probability, softmax(vectors[test] @ weight.T + bias, axis=1), atol=1e-6)


def test_steps_equal_those_of_torch_on_the_same_batches():
    vectors, codes, train, _, test = space(images=1500)
    generator = np.random.default_rng(5)
    orders = [generator.permutation(len(train)) for _ in range(4)]
    assert len(train) > 2 * 512
    batches = [order[start : start + 512] for order in orders for start in (0, 512, 1024)][:11]
    found = train_probe(vectors, codes, train, train[:0], test, steps=11, seed=5)
    np.testing.assert_allclose(found.probability, torch_reference(vectors, codes, train, test, batches), atol=1e-5)
    assert (found.setting, found.val_images) == (11, 0)


def test_labels_that_a_plane_separates_are_learnt():
    vectors, codes, *rows = space(spread=0.1)
    found = train_probe(vectors, codes, *rows, steps=200, seed=0)
    assert np.mean(predicted_labels(found) == codes[rows[2]]) > 0.97
    assert found.classes.tolist() == [1, 4, 7, 10]


def test_labels_that_overlap_are_learnt_about_as_well_as_by_logistic_regression():
    vectors, codes, train, val, test = space(images=3000, spread=0.6)
    found = train_probe(vectors, codes, train, val, test, steps=500, seed=0)
    expected = LogisticRegression().fit(vectors[train], codes[train]).score(vectors[test], codes[test])
    assert np.mean(predicted_labels(found) == codes[test]) == pytest.approx(expected, abs=0.03)


def test_the_state_that_does_best_on_val_is_restored(monkeypatch):
    monkeypatch.setattr(linear_study, "INTERVAL", 3)
    monkeypatch.setattr(linear_study, "PATIENCE", 60)
    vectors, codes, train, val, test = space(images=600, spread=0.8)
    accuracy = []
    for step in range(3, 201, 3):
        after = train_probe(vectors, codes, train, train[:0], val, steps=step, seed=3)
        accuracy.append(np.mean(predicted_labels(after) == codes[val]))
        best = 3 * int(np.argmax(accuracy)) + 3
        if step - best == 60:
            break
    assert 3 < best < step
    found = train_probe(vectors, codes, train, val, test, steps=200, seed=3)
    assert found.setting == best
    there = train_probe(vectors, codes, train, train[:0], test, steps=best, seed=3)
    np.testing.assert_array_equal(found.probability, there.probability)


def test_training_ends_after_4000_steps_without_a_better_accuracy_however_few_the_images(caplog):
    vectors, codes, train, val, test = space(images=60)
    codes = codes.copy()
    codes[val] = 0  # a label that the classifier can't give, so that no state is better than the first
    with caplog.at_level(logging.INFO, logger="cbir.tasks.linear_study"):
        found = train_probe(vectors, codes, train, val, test, steps=20_000, seed=0)
    assert "4100 steps; step 100 is the best: 0 of" in caplog.text
    assert found.setting == 100


def test_the_same_seed_gives_the_same_predictions_whatever_torch_was_seeded_with(monkeypatch, tmp_path):
    vectors, codes, *rows = space(images=1500)
    np.save(tmp_path / "embeddings.npy", vectors)
    mapped = np.load(tmp_path / "embeddings.npy", mmap_mode="r")
    torch.manual_seed(1)
    first = train_probe(vectors, codes, *rows, steps=5, seed=0)
    torch.manual_seed(2)
    monkeypatch.setattr(predictions, "ROWS", 50)
    second = train_probe(mapped, codes, *rows, steps=5, seed=0)
    np.testing.assert_allclose(first.probability, second.probability, atol=1e-7)
    other = train_probe(vectors, codes, *rows, steps=5, seed=1)
    assert not np.array_equal(first.probability, other.probability)


def test_the_splits_and_codes_are_those_of_the_manifest():
    vectors, codes, train, val, test = space(images=600)
    manifest = pd.DataFrame({"label": [f"label{code:02}" for code in codes], "split": "train"})
    manifest.loc[val, "split"] = "val"
    manifest.loc[test, "split"] = "test"
    found = classify_by_study_schedule(vectors, manifest, steps=5, seed=0)
    expected = train_probe(vectors, codes, train, val, test, steps=5, seed=0)
    np.testing.assert_array_equal(found.query, test)
    np.testing.assert_array_equal(found.probability, expected.probability)
    assert found.classes.tolist() == [0, 1, 2, 3]
    assert (found.setting, found.val_images) == (expected.setting, len(val))
