"""Levels: what counts as a hit, and which images are ranked for a query."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVELS = {
    "modality": ["modality"],
    "anatomic_region": ["modality", "anatomic_region"],
    "pathology": ["label"],
    "pathology_in_region": ["label"],
}
RANKED = {"pathology_in_region": ["modality", "anatomic_region"]}  # what a ranked image shares; elsewhere all are


def label_codes(manifest: pd.DataFrame, level: str) -> np.ndarray:
    """The label of each of the manifest's images at a level: (images,) int codes, in the order of the labels."""
    return manifest.groupby(LEVELS[level], sort=True).ngroup().to_numpy()


@dataclass(frozen=True)
class Level:
    """The labels of a dataset's images at a level, and what an index holds of them.

    label: (images,) int codes. group: (images,) int codes, an image is ranked for the queries of its group alone; None
    where all images are one group. available: (labels,) int, index images with the label. group_of_label: (labels,)
    int. ranked: (labels,) int, index images in the label's group.
    """

    label: np.ndarray
    group: np.ndarray | None
    available: np.ndarray
    group_of_label: np.ndarray
    ranked: np.ndarray

    def label_neighbors(self, query: np.ndarray, neighbor: np.ndarray) -> np.ndarray:
        """Labels of each query's ranked neighbors, best first: (queries, depth) int, -1 where there is none.

        query: (queries,) int, neighbor: (queries, depth) int, manifest rows; -1 is no neighbor.
        """
        labels = np.where(neighbor >= 0, self.label[neighbor], -1)
        if self.group is None:
            return labels
        kept = (neighbor >= 0) & (self.group[neighbor] == self.group[query][:, None])
        forward = np.full(neighbor.shape, -1)
        forward[np.arange(neighbor.shape[1]) < kept.sum(axis=1)[:, None]] = labels[kept]
        return forward

    def known_ranks(self, labels: np.ndarray) -> np.ndarray:
        """Up to which rank each query's ranking is known, (queries,) int, of what label_neighbors returned.

        A ranking of all images is known to the depth searched; of one group's, only what the search came upon.
        """
        return np.full(len(labels), labels.shape[1]) if self.group is None else (labels >= 0).sum(axis=1)


def read_level(manifest: pd.DataFrame, level: str, index_rows: np.ndarray) -> Level:
    """A level of a dataset and an index of it.

    manifest: needs modality, anatomic_region and label. index_rows: (images,) int, the manifest rows of the index.
    """
    label = label_codes(manifest, level)
    available = np.bincount(label[index_rows], minlength=int(label.max()) + 1)
    group, group_of_label = None, np.zeros(len(available), np.int64)
    if level in RANKED:
        group = manifest.groupby(RANKED[level], sort=True).ngroup().to_numpy()
        group_of_label[label] = group
    ranked = np.bincount(group_of_label, available).astype(np.int64)
    return Level(label, group, available, group_of_label, ranked[group_of_label])
