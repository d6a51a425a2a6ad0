"""Published figures: the scores of other studies beside those of an experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cbir.reporting.main_tables import full_index
from cbir.tidy import AVERAGES, read_table

THEIRS = ["study", "published_dataset", "size", "published_model"]  # the columns that a pair and a figure share
OURS = ["dataset", "model", "level", "average", "metric", "k"]
COLUMNS = [
    *("study", "published_dataset", "size", "published_model", "dataset", "model", "index", "level", "average"),
    *("published_average", "metric", "k", "value", "ci_low", "ci_high", "published", "difference"),
]


def read_figures(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The published figures of some studies; the name of each file is the study's.

    Returns `study, published_dataset, size, published_model, published_average, metric, k, published`, one row per
    figure, as shares of 1. size is missing for datasets of one size. published_average is micro, macro or unknown.
    """
    figures = pd.concat([read_table(path).assign(study=Path(path).stem) for path in paths], ignore_index=True)
    names = {"dataset": "published_dataset", "model": "published_model", "average": "published_average"}
    return figures.rename(columns=names | {"value": "published"})


def compare_with_published(scores: pd.DataFrame, figures: pd.DataFrame, pairs: Sequence[Mapping]) -> pd.DataFrame:
    """The scores of an experiment beside the published figures of the same datasets and models.

    scores: the retrieval table, of which the full index counts. figures: from read_figures. pairs: from
    cbir.experiment.published.pair_with_studies. Returns COLUMNS, one row per figure and index that we have a score for,
    in the order of the pairs. value is ours, difference is ours minus published. Where a study does not say how it
    averaged, its figure is beside both of our averages.

    >>> ours = {"dataset": "mine", "model": "vgg19", "level": "pathology", "average": "micro", "metric": "hit_rate"}
    >>> score = ours | {"k": 1, "index": "exact", "index_size": "full", "value": 0.75, "ci_low": 0.5, "ci_high": 1.0}
    >>> theirs = {"study": "a2025", "published_dataset": "Breast", "size": 28, "published_model": "VGG19"}
    >>> figure = theirs | {"published_average": "micro", "metric": "hit_rate", "k": 1, "published": 0.5}
    >>> pair = theirs | {"dataset": "mine", "model": "vgg19", "level": "pathology"}
    >>> table = compare_with_published(pd.DataFrame([score]), pd.DataFrame([figure]), [pair])
    >>> table[["published_model", "model", "value", "published", "difference"]]
      published_model  model  value  published  difference
    0           VGG19  vgg19   0.75        0.5        0.25
    """
    said = figures["published_average"].isin(AVERAGES)
    known = figures[said].assign(average=figures["published_average"][said])
    figures = pd.concat([known, *(figures[~said].assign(average=average) for average in AVERAGES)])
    paired = pd.DataFrame(pairs).astype({"size": "Int64"})
    paired = paired.merge(figures.astype({"size": "Int64"}), on=THEIRS)
    table = paired.merge(full_index(scores), on=OURS)
    return table.assign(difference=table["value"] - table["published"])[COLUMNS]
