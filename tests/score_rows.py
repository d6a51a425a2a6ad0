"""Rows of the retrieval table for tests."""

import pandas as pd

from cbir.tidy import ESTIMATES, SCORE_KEYS


def score(value=0.5, dataset="chest", model="a", index="exact", size="full", draw=0, images=100, **other) -> dict:
    """One row: the precision at 1 of the pathology, micro, unless `other` columns say differently."""
    row = {"dataset": dataset, "model": model, "index": index, "index_size": size, "draw": draw, "index_images": images}
    row |= {"level": "pathology", "average": "micro", "metric": "precision", "k": 1, "value": value}
    row |= {"ci_low": value - 0.1, "ci_high": value + 0.1, "queries": 20, "labels_of_one_patient": 0, "chance": 0.1}
    return row | other


def table(*rows: dict) -> pd.DataFrame:
    """A table of such rows."""
    return pd.DataFrame(rows, columns=[*SCORE_KEYS, *ESTIMATES])
