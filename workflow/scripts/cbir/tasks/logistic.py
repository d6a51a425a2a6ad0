"""Logistic regression: how well a linear classifier that has converged reads the labels from embeddings."""

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cbir.blocks import blocks
from cbir.datasets.labels import label_codes
from cbir.tasks.predictions import ROWS, Predictions, split_rows

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

# scikit-learn's C, to choose from. Vectors of unit norm need large weights, so the grid goes beyond the usual values.
STRENGTHS = tuple(10.0**power for power in range(-2, 6))
UNCHOSEN = 100.0  # C where the images give no way to choose it
SAMPLE = 20_000  # train images at most on which C is chosen
FOLDS = 5  # of the cross-validation that chooses C where there are no val images
# Largest partial derivative of the mean loss at which a fit has converged. With scikit-learn's default of 1e-4, up to
# 9 % of the predicted labels of the phantoms differ from those at the minimum where C is 10,000.
TOLERANCE = 1e-6
ITERATIONS = 5000  # L-BFGS iterations after which a fit is given up

log = logging.getLogger(__name__)


def classify_by_regression(embeddings: np.ndarray, manifest: pd.DataFrame, seed: int) -> Predictions:
    """Fit a logistic regression to the embeddings of the train images, and predict the labels of the test images.

    embeddings: (n, d) float32 of unit norm, memory-mapped; they are used as they are, without standardisation.
    manifest: needs label, patient_id and split. seed: of the sample and of the folds that choose_strength uses.

    C is chosen by choose_strength. The classifier is then fitted to all train images, and to no other. Val images never
    take part in this fit. Fits run on one thread, so that the result doesn't depend on the number of cores. All
    train vectors are held in memory, with about three numbers per image and label: 1.1 million images of 2048
    dimensions and 160 labels take about 12 GB.
    """
    import sklearn.linear_model  # noqa: F401  threadpool_limits reaches only libraries that are loaded

    codes, _ = label_codes(manifest["label"])
    train, val, test = split_rows(manifest)
    patients = pd.factorize(manifest["patient_id"], sort=True)[0]
    with threadpool_limits(1):
        strength = choose_strength(embeddings, codes, patients, train, val, seed)
        classifier = fit_logistic(embeddings, train, codes, strength)
        probability = np.empty((len(test), len(classifier.classes_)), np.float32)
        for block in blocks(len(test), ROWS):
            probability[block] = classifier.predict_proba(embeddings[test[block]])
    return Predictions(test, classifier.classes_, probability, strength, len(val))


def choose_strength(
    embeddings: np.ndarray, codes: np.ndarray, patients: np.ndarray, train: np.ndarray, val: np.ndarray, seed: int
) -> float:
    """The C of STRENGTHS that gives the most images their own label; the smallest of equally good ones.

    embeddings: (n, d) float32. codes, patients: (n,) int codes of labels and patients. train, val: int64 rows.

    The classifiers are fitted to the train images and counted on the val images. Without val images they are counted
    by a cross-validation on the train images, in which no patient is on two sides. Of more than SAMPLE train images, as
    many are drawn at random for the choice. C needs no correction for this: it is the variance of the weights' prior
    distribution, which doesn't depend on the number of images. UNCHOSEN is returned where no fold can be made.
    """
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.choice(train, min(SAMPLE, len(train)), replace=False))
    trials = [(drawn, val)] if len(val) else split_folds(drawn, patients, seed)
    if not trials:
        log.warning("train images of one patient only, and no val images: C = %g is not chosen", UNCHOSEN)
        return UNCHOSEN
    correct = []
    for strength in STRENGTHS:
        fitted = [(fit_logistic(embeddings, rows, codes, strength), held) for rows, held in trials]
        correct.append(sum(_count_correct(classifier, embeddings, held, codes) for classifier, held in fitted))
        log.info("C = %g: %d of %d images correct", strength, correct[-1], sum(len(held) for _, held in trials))
    return STRENGTHS[int(np.argmax(correct))]


def split_folds(rows: np.ndarray, patients: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit and rows held out of each fold; every patient is held out once, with all images.

    rows: (n,) int64. patients: codes of the patients of all images. Returns FOLDS pairs, fewer where there are fewer
    patients, and none for a single patient.

    >>> sorted(held.tolist() for _, held in split_folds(np.arange(4), np.array([0, 1, 0, 1]), seed=0))
    [[0, 2], [1, 3]]
    """
    from sklearn.model_selection import GroupKFold

    folds = min(FOLDS, len(np.unique(patients[rows])))
    if folds < 2:
        return []
    # shuffled, because patients in the order of their labels would put a label into one fold
    split = GroupKFold(folds, shuffle=True, random_state=seed).split(rows, groups=patients[rows])
    return [(rows[fitted], rows[held]) for fitted, held in split]


def fit_logistic(embeddings: np.ndarray, rows: np.ndarray, codes: np.ndarray, strength: float) -> "ClassifierMixin":
    """Multinomial logistic regression on some images, by scikit-learn with L-BFGS.

    embeddings: (n, d) float32. rows: (m,) int64, the images. codes: (n,) int label codes. strength: C, which weighs the
    sum of the cross entropy over images against half the squared norm of the weights. The intercepts are free, so the
    vectors are centred for the fit: this changes no prediction, and L-BFGS needs fewer iterations.

    Returns a fitted classifier for vectors that are not centred. For one label alone it always predicts this label. A
    fit that has not converged after ITERATIONS is logged as a warning and used.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    vectors, labels = np.asarray(embeddings[rows]), codes[rows]
    if (labels == labels[0]).all():
        return DummyClassifier(strategy="prior").fit(vectors, labels)
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    vectors -= centre  # a copy of the rows, so in place
    classifier = LogisticRegression(C=strength, tol=TOLERANCE, max_iter=ITERATIONS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(vectors, labels)
    for message in (warning.message for warning in caught if warning.category is ConvergenceWarning):
        log.warning("C = %g: %s", strength, str(message).splitlines()[0])
    classifier.intercept_ -= classifier.coef_ @ centre
    return classifier


def _count_correct(classifier: "ClassifierMixin", embeddings: np.ndarray, rows: np.ndarray, codes: np.ndarray) -> int:
    """How many images are given their own label."""
    return sum(
        int((classifier.predict(embeddings[rows[block]]) == codes[rows[block]]).sum())
        for block in blocks(len(rows), ROWS)
    )
