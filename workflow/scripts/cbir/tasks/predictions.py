"""Predictions: the label that a classifier gives each query, and the file that holds them."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.datasets.manifest import SPLITS
from cbir.files import set_aside, whole_file

# rows that are classified at once; 14 MB of float64 votes at 200 labels
ROWS = 8192


@dataclass(frozen=True)
class Predictions:
    """The probabilities that a classifier gives the labels, and the setting chosen for it.

    query: (queries,) int64 manifest rows. classes: (classes,) int64, the labels that the classifier can give,
    ascending. They are codes of cbir.datasets.labels.label_codes over the labels of the whole manifest, so whoever
    scores the predictions must code the same manifest. probability: (queries, classes) float32. setting: the C, the
    step or the k that was chosen. val_images: how many val images there were for the choice.

    ranking: (queries, classes) float32, scores that rank the queries of one label before the others, for the area under
    the ROC curve. A classifier leaves it out if its probabilities serve for this. ranking_setting: the setting that
    gives these scores.
    """

    query: np.ndarray
    classes: np.ndarray
    probability: np.ndarray
    setting: float
    val_images: int
    ranking: np.ndarray | None = None
    ranking_setting: float | None = None


def predicted_labels(predictions: Predictions) -> np.ndarray:
    """The most probable label of each query: (queries,) int64 codes. The first of equally probable labels is taken.

    >>> probability = np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)
    >>> predicted_labels(Predictions(np.array([4, 7]), np.array([1, 6]), probability, setting=5, val_images=3))
    array([6, 1])
    """
    return predictions.classes[predictions.probability.argmax(axis=1)]


def ranking_scores(predictions: Predictions) -> tuple[np.ndarray, float]:
    """The scores that rank the queries of each label, (queries, classes) float32, and the setting that gives them.

    >>> probability = np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)
    >>> ranking_scores(Predictions(np.array([4, 7]), np.array([1, 6]), probability, setting=5, val_images=3))[1]
    5
    """
    if predictions.ranking is None:
        return predictions.probability, predictions.setting
    return predictions.ranking, predictions.ranking_setting


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions as .npz. The same predictions give the same bytes."""
    with whole_file(path) as partial:
        np.savez(partial, **{name: value for name, value in vars(predictions).items() if value is not None})


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions. Raises InputError for a file that holds none, which is set aside."""
    try:
        with np.load(path) as arrays:
            return Predictions(**{name: array if array.ndim else array.item() for name, array in arrays.items()})
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise set_aside(path, f"no complete predictions ({error})") from error


def split_rows(manifest: pd.DataFrame) -> list[np.ndarray]:
    """Manifest rows of the train, val and test images: three arrays of int64.

    >>> split_rows(pd.DataFrame({"split": ["test", "train", "test"]}))
    [array([1]), array([], dtype=int64), array([0, 2])]
    """
    return [np.flatnonzero(manifest["split"] == split) for split in SPLITS]
