"""Classification scores: how good the predictions of all queries are, as a tidy table."""

import logging

import numpy as np
import pandas as pd

from cbir.datasets.labels import label_codes
from cbir.evaluation.intervals import count_labels_of_one_patient, interval_of_means
from cbir.tasks.predictions import Predictions, predicted_labels, ranking_scores

log = logging.getLogger(__name__)


def score_predictions(predictions: Predictions, manifest: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, precision, recall, F1 and ROC AUC of predictions.

    manifest: needs label and patient_id.

    A query whose label the classifier never saw has nothing to be found, as in retrieval, and is left out. Macro is the
    mean over the labels that are left, for F1 the mean of the labels' own F1; a label that is never predicted has
    precision 0. Micro is over queries, where precision, recall and F1 all equal the accuracy, because a query has one
    label and is given one. roc_auc uses the scores that rank the queries of one label against the rest. Means over
    queries have a 95 % interval: all of micro, and the macro recall.

    Returns `metric, average, value, ci_low, ci_high, queries, labels_of_one_patient, labels_scored, labels_absent,
    setting, val_images`, one row per metric and average. setting is the one that gives the value: for roc_auc that of
    the ranking scores, for all others the one that was chosen. labels_of_one_patient counts the scored labels whose
    queries are of a single patient. labels_absent counts labels of the manifest that cannot be scored, because they are
    missing in the index or in the queries.
    """
    from sklearn.metrics import precision_recall_fscore_support

    codes, names = label_codes(manifest["label"])
    seen = np.isin(codes[predictions.query], predictions.classes)
    true = codes[predictions.query[seen]]
    predicted = predicted_labels(predictions)[seen]
    labels = np.unique(true)
    values = dict.fromkeys([(metric, "micro") for metric in ("accuracy", "precision", "recall", "f1")], np.nan)
    values |= dict.fromkeys([(metric, "macro") for metric in ("precision", "recall", "f1", "roc_auc")], np.nan)
    patients = pd.factorize(manifest["patient_id"].iloc[predictions.query[seen]], sort=True)[0]
    intervals = {}
    if len(true):
        values |= dict.fromkeys([key for key in values if key[1] == "micro"], float(np.mean(true == predicted)))
        macro = precision_recall_fscore_support(true, predicted, labels=labels, average="macro", zero_division=0)
        values |= zip([(metric, "macro") for metric in ("precision", "recall", "f1")], macro[:3], strict=True)
        values["roc_auc", "macro"] = _roc_auc(predictions, true, labels, seen)
        found = interval_of_means((true == predicted).astype(float)[:, None], true, patients)
        intervals = {key: found[key[1]].ravel() for key in values if key[1] == "micro" or key == ("recall", "macro")}
    settings = dict.fromkeys(values, predictions.setting) | {("roc_auc", "macro"): ranking_scores(predictions)[1]}
    absent = len(names) - len(labels)
    log.info("%d labels scored, %d absent from the index or the queries", len(labels), absent)
    return pd.DataFrame(
        [(*key, value, *intervals.get(key, (np.nan, np.nan))) for key, value in values.items()],
        columns=["metric", "average", "value", "ci_low", "ci_high"],
    ).assign(
        queries=len(true),
        labels_of_one_patient=count_labels_of_one_patient(true, patients),
        labels_scored=len(labels),
        labels_absent=absent,
        setting=list(settings.values()),
        val_images=predictions.val_images,
    )


def _roc_auc(predictions: Predictions, true: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> float:
    """Mean over labels of the area under the ROC curve of one label against the rest; NaN where there is no rest."""
    from sklearn.metrics import roc_auc_score

    if len(labels) < 2:
        return np.nan
    ranking, _ = ranking_scores(predictions)
    columns = np.searchsorted(predictions.classes, labels)
    areas = [roc_auc_score(true == label, ranking[seen, column]) for label, column in zip(labels, columns, strict=True)]
    return float(np.mean(areas))
