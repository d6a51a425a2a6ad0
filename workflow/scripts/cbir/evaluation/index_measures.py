"""What an index gives up and gains: recall and precision beside its speed, build time and size, as a tidy table."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

KEYS = ["dataset", "model", "index", "index_size", "draw", "index_images", "level", "k"]


def measure_index(
    recall: np.ndarray,
    scores: pd.DataFrame,
    at: Sequence[int],
    factory: str,
    parameters: Mapping[str, int],
    speed: Mapping[str, float],
    builds: Iterable[pd.DataFrame],
) -> pd.DataFrame:
    """The measures of an index at the depths `at`, one row per level and depth.

    recall: (depth,) float, as cbir.retrieval.index_quality.recall_at_every_k returns it. scores: the index's rows of
    the retrieval table. factory, parameters: how the index was built and searched. speed: queries per second by column
    name, as cbir.retrieval.index_quality.time_search returns them. builds: `build_seconds, bytes` of each part.

    Returns `dataset, model, index, factory, parameters, index_size, draw, index_images, level, k, recall,
    precision_macro, precision_micro`, the columns of `speed`, and the sums build_seconds and bytes.

    >>> keys = dict.fromkeys(KEYS, "x") | {"k": [1, 1], "metric": "precision"}
    >>> scores = pd.DataFrame(keys | {"average": ["micro", "macro"], "value": [0.5, 0.25]})
    >>> build = pd.DataFrame({"build_seconds": [2.0], "bytes": [1024]})
    >>> table = measure_index(np.array([1.0]), scores, [1], "Flat", {"nprobe": 8}, {}, [build])
    >>> table[["parameters", "recall", "precision_macro", "precision_micro", "bytes"]].to_numpy().tolist()
    [['nprobe=8', 1.0, 0.25, 0.5, 1024]]
    """
    shown = scores[(scores["metric"] == "precision") & scores["k"].isin(at)]
    table = shown.pivot_table("value", KEYS, "average").add_prefix("precision_").reset_index()
    table = table.rename_axis(columns=None)
    settings = " ".join(f"{name}={value}" for name, value in parameters.items())
    table.insert(KEYS.index("index") + 1, "factory", factory)
    table.insert(KEYS.index("index") + 2, "parameters", settings)
    table.insert(table.columns.get_loc("k") + 1, "recall", recall[table["k"] - 1])
    build = pd.concat(builds)
    return table.assign(**speed, build_seconds=build["build_seconds"].sum(), bytes=build["bytes"].sum())
