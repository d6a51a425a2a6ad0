import numpy as np
import pandas as pd

from cbir.evaluation.index_measures import KEYS, measure_index


def scores():
    """The rows of an index of the retrieval table, at two levels and three depths."""
    named = {"dataset": "d", "model": "m", "index": "hnsw", "index_size": "full", "draw": 0, "index_images": 90}
    rows = [
        {**named, "level": level, "k": k, "metric": metric, "average": average, "value": value + k / 100}
        for level, base in (("modality", 0.5), ("pathology", 0.25))
        for k in (1, 3, 5)
        for metric, average, value in (
            ("precision", "micro", base),
            ("precision", "macro", base / 2),
            ("precision_std", "micro", 9.0),
            ("recall", "micro", 9.0),
        )
    ]
    return pd.DataFrame(rows)


def test_an_index_has_one_row_per_level_and_depth_with_its_recall_and_precision():
    builds = [
        pd.DataFrame({"build_seconds": [2.0], "bytes": [100]}),
        pd.DataFrame({"build_seconds": [3.0], "bytes": [50]}),
    ]
    speed = {"queries_per_second": 1000.0, "queries_per_second_single": 10.0}
    recall = np.array([1, 0.9, 0.8, 0.7, 0.6])
    parameters = {"efSearch": 64, "bounded_queue": 1}
    table = measure_index(recall, scores(), [1, 5], "HNSW32", parameters, speed, builds)
    assert list(table) == [
        *("dataset", "model", "index", "factory", "parameters", "index_size", "draw", "index_images", "level", "k"),
        *("recall", "precision_macro", "precision_micro", *speed, "build_seconds", "bytes"),
    ]
    assert set(KEYS) <= set(table)
    assert table[["level", "k"]].to_numpy().tolist() == [
        ["modality", 1],
        ["modality", 5],
        ["pathology", 1],
        ["pathology", 5],
    ]
    assert table["recall"].tolist() == [1, 0.6, 1, 0.6]
    np.testing.assert_allclose(table["precision_micro"], [0.51, 0.55, 0.26, 0.30])
    np.testing.assert_allclose(table["precision_macro"], [0.26, 0.30, 0.135, 0.175])
    assert (table["parameters"] == "efSearch=64 bounded_queue=1").all()
    assert (table["build_seconds"] == 5).all()
    assert (table["bytes"] == 150).all()
