"""Classification by the nearest index images: what the neighborhoods of an embedding space know of the labels."""

from collections.abc import Sequence

import numpy as np

from cbir.retrieval.neighbors import Neighbors
from cbir.tasks.predictions import Predictions

TEMPERATURE = 0.07  # Wu et al. 2018, section 3.4; also of Caron et al. 2021 (DINO)
BLOCK = 4096  # queries whose votes are held at once; 7 MB at 200 labels


def classify_knn(
    val: Neighbors, test: Neighbors, codes: np.ndarray, index_rows: np.ndarray, ks: Sequence[int], weighted: bool
) -> Predictions:
    """Let each test query's k nearest index images vote for its label, with the k that is right most often on val.

    val, test: neighbors in an exact index of `index_rows`, of the same depth. codes: (images,) int label codes of the
    manifest. ks: the k to choose from, of which those beyond the depth count as the depth; the smallest wins a tie, and
    where there are no val images. weighted: votes weigh exp(similarity / 0.07), Wu et al. 2018, section 3.4; otherwise
    they weigh the same.
    """
    classes, places = np.unique(codes[index_rows], return_inverse=True)
    place = np.full(len(codes), -1)
    place[index_rows] = places
    ks = sorted({min(k, test.neighbor.shape[1]) for k in ks})
    correct = [_count_correct(val, place, classes, codes, k, weighted) for k in ks]
    chosen = ks[int(np.argmax(correct))]
    probability = np.empty((len(test.query), len(classes)), np.float32)
    for block in _blocks(len(test.query)):
        probability[block] = vote(
            place[test.neighbor[block, :chosen]], test.similarity[block, :chosen], len(classes), weighted
        )
    return Predictions(test.query, classes, probability, chosen, len(val.query))


def vote(labels: np.ndarray, similarity: np.ndarray, number: int, weighted: bool) -> np.ndarray:
    """Each label's share of the votes of each query's neighbors.

    labels: (queries, k) int codes below `number`. similarity: (queries, k), most similar first. Returns
    (queries, number) float64, rows of sum 1.
    """
    weights = np.ones(labels.shape)
    if weighted:  # less the greatest similarity, which cancels in the shares and keeps them finite
        weights = np.exp((similarity - similarity[:, :1]).astype(np.float64) / TEMPERATURE)
    cells = labels + np.arange(len(labels))[:, None] * number
    votes = np.bincount(cells.ravel(), weights.ravel(), minlength=len(labels) * number).reshape(-1, number)
    return votes / votes.sum(axis=1, keepdims=True)


def _count_correct(
    neighbors: Neighbors, place: np.ndarray, classes: np.ndarray, codes: np.ndarray, k: int, weighted: bool
) -> int:
    """How many queries get their own label from k neighbors; place: (images,) int, of an index image's label."""
    correct = 0
    for block in _blocks(len(neighbors.query)):
        votes = vote(place[neighbors.neighbor[block, :k]], neighbors.similarity[block, :k], len(classes), weighted)
        correct += int((classes[votes.argmax(axis=1)] == codes[neighbors.query[block]]).sum())
    return correct


def _blocks(queries: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, queries, BLOCK)]
