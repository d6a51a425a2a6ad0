"""Classification by the nearest train images, which vote for their labels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.datasets.labels import label_codes
from cbir.retrieval.indexes import build_index
from cbir.retrieval.neighbors import Neighbors
from cbir.retrieval.search import search
from cbir.tasks.predictions import ROWS, Predictions, split_rows

RANKING_K = 100  # neighbors at most whose votes rank the queries
TEMPERATURE = 0.07  # Wu et al. 2018, section 3.4; also of Caron et al. 2021 (DINO)


def classify_by_neighbors(
    embeddings: np.ndarray, manifest: pd.DataFrame, ks: Sequence[int], threads: int, seed: int
) -> tuple[Predictions, Predictions]:
    """Predict the labels of the test images from those of the nearest train images.

    embeddings: (n, d) float32 of unit norm, memory-mapped. manifest: needs label and split. ks: the numbers of
    neighbors to choose from on the val images; those beyond the train images count as all of them. The search is exact.
    Returns the predictions by votes of equal weight, and by votes weighted by similarity. Both rank the queries by the
    same votes, as vote_with_best_k describes.
    """
    codes, _ = label_codes(manifest["label"])
    train, val, test = split_rows(manifest)
    index = build_index(embeddings, train, "Flat", threads, seed)
    depth = min(max(ks), len(train))
    found = [search(index, embeddings, rows, depth, threads=threads) for rows in (val, test)]
    unweighted, weighted = (vote_with_best_k(*found, codes, train, ks, weighted) for weighted in (False, True))
    return unweighted, weighted


def vote_with_best_k(
    val: Neighbors, test: Neighbors, codes: np.ndarray, index_rows: np.ndarray, ks: Sequence[int], weighted: bool
) -> Predictions:
    """Let each test query's k nearest index images vote for its label, with the k that is right most often on val.

    val, test: neighbors in an exact index of `index_rows`, of the same depth. codes: (images,) int label codes of the
    manifest. ks: the k to choose from. A k beyond the depth counts as the depth. The smallest of equally good k is
    taken, and the smallest of all where there are no val images. weighted: as for vote.

    The queries are ranked by weighted votes of ranking_k(ks) neighbors, whatever k is chosen and whether or not the
    votes for the labels are weighted. The area under the ROC curve depends strongly on k, because k neighbors with
    equal weights give only k + 1 different shares, so it can be compared between models at one k only.
    """
    classes, places = np.unique(codes[index_rows], return_inverse=True)
    place = np.full(len(codes), -1)
    place[index_rows] = places
    depth = test.neighbor.shape[1]
    common = min(ranking_k(ks), depth)
    ks = sorted({min(k, depth) for k in ks})
    correct = [_count_correct(val, place, classes, codes, k, weighted) for k in ks]
    chosen = ks[int(np.argmax(correct))]
    probability = _vote_of_all(test, place, len(classes), chosen, weighted)
    ranking = _vote_of_all(test, place, len(classes), common, weighted=True)
    return Predictions(test.query, classes, probability, chosen, len(val.query), ranking, common)


def ranking_k(ks: Sequence[int]) -> int:
    """The number of neighbors whose votes rank the queries: the largest of `ks` up to 100, or the smallest of all.

    >>> ranking_k([1, 20, 50, 1000])
    50
    """
    return max((k for k in ks if k <= RANKING_K), default=min(ks))


def vote(labels: np.ndarray, similarity: np.ndarray, number: int, weighted: bool) -> np.ndarray:
    """Each label's share of the votes of each query's neighbors.

    labels: (queries, k) int codes below `number`. similarity: (queries, k), most similar first. weighted: whether a
    vote weighs exp(similarity / 0.07), Wu et al. 2018, section 3.4; otherwise all votes weigh the same. Returns
    (queries, number) float64, rows of sum 1.

    >>> vote(np.array([[2, 0]]), np.array([[0.9, 0.83]]), 3, weighted=False)
    array([[0.5, 0. , 0.5]])
    >>> vote(np.array([[2, 0]]), np.array([[0.9, 0.83]]), 3, weighted=True).round(2)
    array([[0.27, 0.  , 0.73]])
    """
    weights = np.ones(labels.shape)
    if weighted:
        # Subtracting the largest similarity keeps the weights finite and doesn't change the shares.
        weights = np.exp((similarity - similarity[:, :1]).astype(np.float64) / TEMPERATURE)
    cells = labels + np.arange(len(labels))[:, None] * number
    votes = np.bincount(cells.ravel(), weights.ravel(), minlength=len(labels) * number).reshape(-1, number)
    return votes / votes.sum(axis=1, keepdims=True)


def _vote_of_all(neighbors: Neighbors, place: np.ndarray, number: int, k: int, weighted: bool) -> np.ndarray:
    """The votes of the k nearest index images of every query: (queries, number) float32.

    place: as for _count_correct. number, weighted: as for vote.
    """
    votes = np.empty((len(neighbors.query), number), np.float32)
    for block in blocks(len(neighbors.query), ROWS):
        labels, similarity = place[neighbors.neighbor[block, :k]], neighbors.similarity[block, :k]
        votes[block] = vote(labels, similarity, number, weighted)
    return votes


def _count_correct(
    neighbors: Neighbors, place: np.ndarray, classes: np.ndarray, codes: np.ndarray, k: int, weighted: bool
) -> int:
    """How many queries are given their own label by k neighbors.

    place: (images,) int, position among the classes of an index image's label. classes, codes: as in Predictions and
    vote_with_best_k.
    """
    correct = 0
    for block in blocks(len(neighbors.query), ROWS):
        votes = vote(place[neighbors.neighbor[block, :k]], neighbors.similarity[block, :k], len(classes), weighted)
        correct += int((classes[votes.argmax(axis=1)] == codes[neighbors.query[block]]).sum())
    return correct
