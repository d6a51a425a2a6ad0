from dataclasses import replace

import numpy as np
import pytest

from cbir.errors import InputError
from cbir.tasks.predictions import Predictions, load_predictions, predicted_labels, ranking_scores, save_predictions


def predictions() -> Predictions:
    probability = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], np.float32)
    return Predictions(np.array([4, 7]), np.array([1, 2, 6]), probability, setting=5, val_images=3)


def test_the_most_probable_label_is_predicted_and_the_first_of_equally_probable_ones():
    assert predicted_labels(predictions()).tolist() == [2, 1]


def test_predictions_come_back_as_they_were_written(tmp_path):
    save_predictions(predictions(), tmp_path / "one.npz")
    found = load_predictions(tmp_path / "one.npz")
    for name in ("query", "classes", "probability"):
        np.testing.assert_array_equal(getattr(found, name), getattr(predictions(), name))
    assert (found.setting, found.val_images) == (5, 3)
    assert (found.ranking, found.ranking_setting) == (None, None)


def test_scores_that_rank_come_back_as_they_were_written(tmp_path):
    ranking = np.array([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4]], np.float32)
    save_predictions(replace(predictions(), setting=0.1, ranking=ranking, ranking_setting=100), tmp_path / "one.npz")
    found = load_predictions(tmp_path / "one.npz")
    np.testing.assert_array_equal(found.ranking, ranking)
    assert (found.setting, found.ranking_setting) == (0.1, 100)


def test_the_probabilities_rank_where_a_classifier_gives_nothing_else():
    scores, setting = ranking_scores(predictions())
    np.testing.assert_array_equal(scores, predictions().probability)
    assert setting == 5


def test_the_same_predictions_give_the_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        save_predictions(predictions(), tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_file_is_set_aside(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npz: no complete predictions"):
        load_predictions(tmp_path / "bad.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.npz.damaged"]


def test_a_missing_file_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_predictions(tmp_path / "none.npz")
