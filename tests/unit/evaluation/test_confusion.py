import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from cbir.evaluation.confusion import count_confusion
from cbir.retrieval.neighbors import Neighbors

# ordered by modality, then region: as plain text "CT-A/…" would come before "CT/…"
LABELS = [
    ("CT", "chest", "nodule"),
    ("CT", "head", "bleed"),
    ("CT-A", "chest", "embolism"),
    ("MR", "brain", "tumour"),
]


def manifest(codes):
    table = pd.DataFrame([LABELS[code] for code in codes], columns=["modality", "anatomic_region", "pathology"])
    return table.assign(label=table.agg("/".join, axis=1))


def neighbors(query, nearest):
    neighbor = np.stack([nearest, np.zeros_like(nearest)], axis=1)
    return Neighbors(np.asarray(query), neighbor, np.zeros(neighbor.shape, np.float32))


def test_confusion_by_hand_in_the_order_of_modality_and_region():
    images = manifest([2, 0, 1, 3, 0, 0, 0, 2, 1])
    table = count_confusion(neighbors([4, 5, 6, 7, 8], np.array([1, 1, 2, 3, -1])), images)
    assert table.to_dict("list") == {
        "label": ["CT/chest/nodule", "CT/chest/nodule", "CT/head/bleed", "CT-A/chest/embolism"],
        "neighbor_label": ["CT/chest/nodule", "CT/head/bleed", "", "MR/brain/tumour"],
        "queries": [2, 1, 1, 1],
        "share": pytest.approx([2 / 3, 1 / 3, 1, 1]),
    }


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_confusion_is_that_of_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    images = manifest(generator.integers(0, 4, 80))
    query, nearest = np.arange(30, 80), generator.integers(0, 30, 50)
    table = count_confusion(neighbors(query, nearest), images)
    names = ["/".join(parts) for parts in LABELS]
    matrix = table.pivot_table(index="label", columns="neighbor_label", values="queries", fill_value=0)
    matrix = matrix.reindex(index=names, columns=names, fill_value=0)
    expected = confusion_matrix(images["label"][query], images["label"][nearest], labels=names)
    np.testing.assert_array_equal(matrix, expected)
    assert table.groupby("label")["share"].sum().to_numpy() == pytest.approx(1)
