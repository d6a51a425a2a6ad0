"""Confusion: which labels the nearest image has in place of the query's."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import LABEL_PARTS
from cbir.retrieval.neighbors import Neighbors


def count_confusion(neighbors: Neighbors, manifest: pd.DataFrame) -> pd.DataFrame:
    """How often the nearest image of a label's queries has which label.

    manifest: needs label and its parts. Returns `label, neighbor_label, queries, share`: a row for each pair that
    occurs, ordered by modality, then anatomic region, then pathology, of the query and then of the neighbor; share is
    that of the label's queries. The neighbor_label of queries without a neighbor is empty and comes last.
    """
    labels = manifest[[*LABEL_PARTS, "label"]].drop_duplicates().sort_values(LABEL_PARTS)["label"]
    codes = pd.Categorical(manifest["label"], categories=labels).codes.astype(np.int64)
    nearest = np.append(codes, len(labels))[neighbors.neighbor[:, 0]]  # -1, no neighbor, takes the last
    width = len(labels) + 1
    cells, queries = np.unique(codes[neighbors.query] * width + nearest, return_counts=True)
    names = np.append(labels, "")
    table = pd.DataFrame({"label": names[cells // width], "neighbor_label": names[cells % width], "queries": queries})
    return table.assign(share=table["queries"] / table.groupby("label")["queries"].transform("sum"))
