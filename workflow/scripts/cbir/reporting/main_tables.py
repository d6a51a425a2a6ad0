"""Tables for readers: scores put together, as the paper prints them, as CSV, Markdown and LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cbir.evaluation.levels import LEVELS
from cbir.tidy import AVERAGES, ESTIMATES, SCORE_KEYS

NAMED = ["dataset", "model", "index"]  # whose rows are of one experiment
CHANCE = "chance"  # the name of the row of what a random order scores


def largest_index(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores on each dataset's largest index, the full one where there is one; means over its draws."""
    images = scores.groupby("dataset")["index_images"]
    largest = scores[scores["index_images"] == images.transform("max")]
    sizes = largest.groupby("dataset")["index_size"]
    chosen = sizes.transform(lambda size: "full" if (size == "full").any() else size.min())
    keys = [key for key in SCORE_KEYS if key != "draw"]
    return largest[largest["index_size"] == chosen].groupby(keys, sort=False)[ESTIMATES].mean().reset_index()


def pathology_precision(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of precision at the smallest k for the pathology, micro average, in the largest index, by model.

    scores: one dataset's, of one index.
    """
    shown = largest_index(scores)
    shown = shown[(shown["level"] == "pathology") & (shown["metric"] == "precision") & (shown["average"] == "micro")]
    return shown[shown["k"] == shown["k"].min()].set_index("model")


def levels_table(scores: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Precision at the smallest depth for each level in the largest index, beside what a random order scores.

    models: the rows' order within a dataset. Returns a row a dataset and model (and index, where there are several),
    and for each a row `chance`, with a column a level and average: `modality micro` …
    """
    shown = largest_index(scores)
    shown = shown[shown["metric"] == "precision"]
    shown = shown[shown["k"] == shown["k"].min()]
    chance = shown.assign(model=CHANCE, value=shown["chance"]).drop_duplicates([*NAMED, "level", "average"])
    shown = pd.concat([shown, chance], ignore_index=True)
    shown = shown.assign(column=shown["level"].str.replace("_", " ") + " " + shown["average"])
    columns = [f"{level.replace('_', ' ')} {average}" for level in LEVELS for average in AVERAGES]
    return _spread(shown, [*models, CHANCE], [column for column in columns if column in set(shown["column"])])


def probes_table(probes: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """What each probe reads from the embeddings: accuracy, macro F1 and macro area under the ROC curve.

    probes: the probes table. models: the rows' order within a dataset. Returns a row a dataset and model, with three
    columns a probe: `linear accuracy`, `linear F1`, `linear AUC` …
    """
    wanted = {("accuracy", "micro"): "accuracy", ("f1", "macro"): "F1", ("roc_auc", "macro"): "AUC"}
    shown = probes.assign(name=[wanted.get(pair) for pair in zip(probes["metric"], probes["average"], strict=True)])
    shown = shown.dropna(subset="name")
    shown = shown.assign(column=shown["probe"].str.replace("_", " ") + " " + shown["name"])
    probed = shown["probe"].str.replace("_", " ").unique()
    return _spread(shown, models, [f"{probe} {name}" for probe in probed for name in wanted.values()])


def main_table(scores: pd.DataFrame, models: Sequence[str], depths: Sequence[int]) -> pd.DataFrame:
    """Precision at the given depths for the pathology in the largest index, as Denner et al. 2025 print it.

    models: the rows' order within a dataset. Returns a row a dataset and model (and index, where there are several),
    with a column an average and depth: `micro P@1` …, `macro P@1` …; NaN where a depth was not scored.
    """
    shown = largest_index(scores)
    shown = shown[(shown["level"] == "pathology") & (shown["metric"] == "precision") & shown["k"].isin(depths)]
    columns = [f"{average} P@{k}" for average in AVERAGES for k in depths]
    shown = shown.assign(column=shown["average"] + " P@" + shown["k"].astype("str"))
    return _spread(shown, models, columns)


def _spread(shown: pd.DataFrame, models: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """`value` in columns by `column`, a row a dataset and model, and index where there are several."""
    rows = [*NAMED[:2], *([NAMED[2]] if "index" in shown and shown["index"].nunique() > 1 else [])]
    wide = shown.pivot(index=rows, columns="column", values="value")  # noqa: PD010  refuses repeated scores
    table = wide.reindex(columns=columns).reset_index()
    place = table["model"].map({model: place for place, model in enumerate(models)})
    table = table.assign(place=place).sort_values(["dataset", "place", *rows[2:]], ignore_index=True)
    return table[[*rows, *columns]].rename_axis(columns=None)


def write_markdown(table: pd.DataFrame, path: str | Path, bold_best: bool = False) -> None:
    """Write a table as Markdown, floats with three decimals.

    bold_best: print in bold the highest float of each column and dataset, as often as its three decimals occur.
    """
    printed = table.map(_printed)
    if bold_best:
        printed = printed.mask(_is_best(table), "**" + printed + "**")
    sides = ["right" if pd.api.types.is_numeric_dtype(kind) else "left" for kind in table.dtypes]
    text = printed.to_markdown(index=False, colalign=sides, disable_numparse=True)
    Path(path).write_text(text + "\n", encoding="utf-8")


def write_latex(table: pd.DataFrame, path: str | Path, bold_best: bool = False) -> None:
    """Write a table as a LaTeX tabular (package booktabs), floats with three decimals; bold_best as in Markdown."""
    sides = "".join("r" if pd.api.types.is_numeric_dtype(kind) else "l" for kind in table.dtypes)
    style = table.style.hide(axis="index").format(_printed, escape="latex").format_index(escape="latex", axis=1)
    if bold_best:
        bold = _is_best(table).replace({True: "textbf:--rwrap;", False: ""})
        style = style.apply(lambda _: bold, axis=None)
    Path(path).write_text(style.to_latex(hrules=True, column_format=sides), encoding="utf-8")


def _printed(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_best(table: pd.DataFrame) -> pd.DataFrame:
    """Where a float is the highest of its column among the two or more models of its dataset, at three decimals."""
    best = pd.DataFrame(False, index=table.index, columns=table.columns)
    models = table[table["model"] != CHANCE]
    for column in table.select_dtypes("float"):
        rounded = models[column].round(3)
        groups = rounded.groupby(models["dataset"])
        best.loc[models.index, column] = (rounded == groups.transform("max")) & (groups.transform("size") > 1)
    return best
