"""Predictions: the label that a classifier of embeddings gives each query, and how sure it is of every label."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from cbir.errors import InputError


@dataclass(frozen=True)
class Predictions:
    """A classifier's probabilities, and the setting chosen for it.

    query: (queries,) int64 manifest rows. classes: (classes,) int64 codes of the labels it can give, ascending.
    probability: (queries, classes) float32. setting: the k or the epoch that did best on the val images, of which
    there were `val_images`; without any, nothing was chosen.
    """

    query: np.ndarray
    classes: np.ndarray
    probability: np.ndarray
    setting: int
    val_images: int


def predicted_labels(predictions: Predictions) -> np.ndarray:
    """The most probable label of each query, the first among equals: (queries,) int64 codes."""
    return predictions.classes[predictions.probability.argmax(axis=1)]


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions as .npz, the same bytes for the same predictions."""
    np.savez(path, **{field.name: getattr(predictions, field.name) for field in fields(Predictions)})


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions. Raises InputError for a file that holds none."""
    try:
        with np.load(path) as arrays:
            values = {field.name: arrays[field.name] for field in fields(Predictions)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no complete predictions ({error}); delete it and run again") from error
    return Predictions(**values | {name: int(values[name]) for name in ("setting", "val_images")})
