"""Predictions: the label that a classifier gives each query, and the file that holds them."""

import zipfile
from dataclasses import dataclass, fields
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
    scores the predictions must code the same manifest. probability: (queries, classes) float32. setting: the k or the
    epoch that did best on the val images. val_images: how many val images there were; without any, nothing was chosen.
    """

    query: np.ndarray
    classes: np.ndarray
    probability: np.ndarray
    setting: int
    val_images: int


def predicted_labels(predictions: Predictions) -> np.ndarray:
    """The most probable label of each query: (queries,) int64 codes. The first of equally probable labels is taken.

    >>> probability = np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)
    >>> predicted_labels(Predictions(np.array([4, 7]), np.array([1, 6]), probability, setting=5, val_images=3))
    array([6, 1])
    """
    return predictions.classes[predictions.probability.argmax(axis=1)]


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions as .npz. The same predictions give the same bytes."""
    with whole_file(path) as partial:
        np.savez(partial, **{field.name: getattr(predictions, field.name) for field in fields(Predictions)})


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions. Raises InputError for a file that holds none, which is set aside."""
    try:
        with np.load(path) as arrays:
            values = {field.name: arrays[field.name] for field in fields(Predictions)}
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise set_aside(path, f"no complete predictions ({error})") from error
    return Predictions(**values | {name: int(values[name]) for name in ("setting", "val_images")})


def split_rows(manifest: pd.DataFrame) -> list[np.ndarray]:
    """Manifest rows of the train, val and test images: three arrays of int64.

    >>> split_rows(pd.DataFrame({"split": ["test", "train", "test"]}))
    [array([1]), array([], dtype=int64), array([0, 2])]
    """
    return [np.flatnonzero(manifest["split"] == split) for split in SPLITS]
