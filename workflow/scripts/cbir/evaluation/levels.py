"""Levels: the labels that make a neighbor a hit, and the images that are ranked for a query."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cbir.datasets.labels import group_codes, label_codes

# the columns in which a hit equals the query
LEVELS = {
    "modality": ["modality"],
    "anatomic_region": ["modality", "anatomic_region"],
    "pathology": ["label"],
    "pathology_in_region": ["label"],
}
# At these levels only index images that equal the query in these columns are ranked. At other levels all are.
RANKED = {"pathology_in_region": ["modality", "anatomic_region"]}


@dataclass(frozen=True)
class Level:
    """The labels of a dataset's images at a level, and how many images of each label an index holds.

    label: (images,) int codes. group: (images,) int codes; an image is ranked only for the queries of its own group.
    None where all images are one group. available: (labels,) int, index images with the label. group_of_label:
    (labels,) int. ranked: (labels,) int, index images in the label's group.
    """

    label: np.ndarray
    group: np.ndarray | None
    available: np.ndarray
    group_of_label: np.ndarray
    ranked: np.ndarray

    def label_neighbors(self, query: np.ndarray, neighbor: np.ndarray) -> np.ndarray:
        """Labels of each query's ranked neighbors, best first: (queries, depth) int, -1 where there is no neighbor.

        query: (queries,) int manifest rows. neighbor: (queries, depth) int manifest rows, -1 for no neighbor. Neighbors
        of another group than the query's are left out, and those behind them move up.
        """
        labels = np.where(neighbor >= 0, self.label[neighbor], -1)
        if self.group is None:
            return labels
        kept = (neighbor >= 0) & (self.group[neighbor] == self.group[query][:, None])
        moved_up = np.full(neighbor.shape, -1)
        moved_up[np.arange(neighbor.shape[1]) < kept.sum(axis=1)[:, None]] = labels[kept]
        return moved_up

    def known_ranks(self, labels: np.ndarray) -> np.ndarray:
        """Rank up to which each query's ranking is known: (queries,) int.

        labels: (queries, depth) int, as label_neighbors returns them. A ranking of all images is known to the depth
        searched. A ranking of one group is known only as far as the search found images of the group.
        """
        return np.full(len(labels), labels.shape[1]) if self.group is None else (labels >= 0).sum(axis=1)


def level_codes(manifest: pd.DataFrame, level: str) -> np.ndarray:
    """Code of each image's label at a level: (images,) int64 from 0.

    manifest: needs the columns of the level in LEVELS. At the two pathology levels the codes are those of label_codes.

    >>> images = pd.DataFrame({"modality": ["MR", "CT", "MR"], "anatomic_region": ["head", "head", "knee"]})
    >>> level_codes(images, "modality"), level_codes(images, "anatomic_region")
    (array([1, 0, 1]), array([1, 0, 2]))
    """
    columns = LEVELS[level]
    return label_codes(manifest["label"])[0] if columns == ["label"] else group_codes(manifest[columns])


def read_level(manifest: pd.DataFrame, level: str, index_rows: np.ndarray) -> Level:
    """The labels of a dataset at a level, counted in an index of it.

    manifest: needs the columns of the level in LEVELS and RANKED. index_rows: (images,) int, the manifest rows that the
    index holds.

    >>> manifest = pd.DataFrame({"label": ["CT/chest/normal", "CT/head/bleed", "CT/head/bleed"]})
    >>> read_level(manifest, "pathology", np.array([0, 1])).available
    array([1, 1])
    """
    label = level_codes(manifest, level)
    available = np.bincount(label[index_rows], minlength=int(label.max()) + 1)
    group, group_of_label = None, np.zeros(len(available), np.int64)
    if level in RANKED:
        group = group_codes(manifest[RANKED[level]])
        group_of_label[label] = group
    ranked = np.bincount(group_of_label, available).astype(np.int64)
    return Level(label, group, available, group_of_label, ranked[group_of_label])
