"""Tables for readers: scores in the form in which the paper prints them, as CSV, Markdown and LaTeX."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cbir.errors import InputError
from cbir.evaluation.levels import LEVELS
from cbir.files import whole_file
from cbir.tidy import AVERAGES, CHANCE

PROBE_SCORES = {("accuracy", "micro"): "accuracy", ("f1", "macro"): "F1", ("roc_auc", "macro"): "AUC"}


def full_index(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the retrieval table for the full index of each dataset, which has one draw.

    >>> full_index(pd.DataFrame({"index_size": ["100", "full"], "value": [0.25, 0.5]}))["value"].tolist()
    [0.5]
    """
    return scores[scores["index_size"] == "full"]


def pathology_precision(scores: pd.DataFrame) -> pd.DataFrame:
    """Precision at the smallest k for the pathology in the full index, micro average: one row per model.

    scores: rows of the retrieval table for one dataset and one index. Returns its columns with the model as the index.
    """
    shown = full_index(scores)
    shown = shown[(shown["level"] == "pathology") & (shown["metric"] == "precision") & (shown["average"] == "micro")]
    return shown[shown["k"] == shown["k"].min()].set_index("model")


def make_main_table(name: str, table: pd.DataFrame, models: Sequence[str], depths: Sequence[int]) -> pd.DataFrame:
    """One of the main tables, by its name: retrieval_main, levels_main or probes_main.

    table: the retrieval table, or the probes table for probes_main. models: order of the rows within a dataset.
    depths: the k of retrieval_main. Raises InputError for another name.
    """
    if name not in MAIN_TABLES:
        raise InputError(f"no main table {name!r}; the main tables are {', '.join(MAIN_TABLES)}")
    return MAIN_TABLES[name](table, models, depths)


def retrieval_table(scores: pd.DataFrame, models: Sequence[str], depths: Sequence[int]) -> pd.DataFrame:
    """Precision at some depths for the pathology in the full index, as in Denner et al. 2025.

    scores: the retrieval table. models: order of the rows within a dataset. Returns one row per dataset and model (and
    index, where there are several), with one column per average and depth: `micro P@1` …, `macro P@1` …. A depth that
    was not scored is NaN.

    >>> keys = {"dataset": "mine", "model": "pixels", "index": "exact", "index_size": "full", "level": "pathology"}
    >>> scores = pd.DataFrame([keys | {"average": "micro", "metric": "precision", "k": 1, "value": 0.25}])
    >>> retrieval_table(scores, ["pixels"], [1])[["dataset", "model", "micro P@1"]]
      dataset   model  micro P@1
    0    mine  pixels       0.25
    """
    shown = full_index(scores)
    shown = shown[(shown["level"] == "pathology") & (shown["metric"] == "precision") & shown["k"].isin(depths)]
    columns = [f"{average} P@{k}" for average in AVERAGES for k in depths]
    shown = shown.assign(column=shown["average"] + " P@" + shown["k"].astype("str"))
    return _pivot(shown, models, columns)


def levels_table(scores: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Precision at the smallest k for each level in the full index, with the chance level.

    scores: the retrieval table. models: order of the rows within a dataset. Returns one row per dataset and model (and
    index, where there are several), followed by a row `chance` with the expected score of a random order. There is one
    column per level and average: `modality micro` ….
    """
    shown = full_index(scores)
    shown = shown[shown["metric"] == "precision"]
    shown = shown[shown["k"] == shown["k"].min()]
    chance = shown.assign(model=CHANCE, value=shown["chance"])
    chance = chance.drop_duplicates(["dataset", "model", "index", "level", "average"])
    shown = pd.concat([shown, chance], ignore_index=True)
    shown = shown.assign(column=_words(shown["level"]) + " " + shown["average"])
    columns = [f"{level.replace('_', ' ')} {average}" for level in LEVELS for average in AVERAGES]
    return _pivot(shown, [*models, CHANCE], [column for column in columns if column in set(shown["column"])])


def probes_table(probes: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Accuracy, macro F1 and macro area under the ROC curve of each probe.

    probes: the probes table. models: order of the rows within a dataset. Returns one row per dataset and model, with
    three columns per probe: `logistic accuracy`, `logistic F1`, `logistic AUC` ….
    """
    scores = [PROBE_SCORES.get(pair) for pair in zip(probes["metric"], probes["average"], strict=True)]
    shown = probes.assign(score=scores).dropna(subset="score")
    shown = shown.assign(column=_words(shown["probe"]) + " " + shown["score"])
    columns = [f"{probe} {score}" for probe in _words(shown["probe"]).unique() for score in PROBE_SCORES.values()]
    return _pivot(shown, models, columns)


MAIN_TABLES = {
    "retrieval_main": retrieval_table,
    "levels_main": lambda scores, models, depths: levels_table(scores, models),
    "probes_main": lambda probes, models, depths: probes_table(probes, models),
}


def _words(names: pd.Series) -> pd.Series:
    return names.str.replace("_", " ")


def _pivot(shown: pd.DataFrame, models: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """One row per dataset and model (and index, where there are several), with `value` in the columns of `column`."""
    has_indexes = "index" in shown and shown["index"].nunique() > 1
    rows = ["dataset", "model", "index"] if has_indexes else ["dataset", "model"]
    wide = shown.pivot(index=rows, columns="column", values="value")  # noqa: PD010  refuses repeated scores
    table = wide.reindex(columns=columns).reset_index()
    place = table["model"].map({model: place for place, model in enumerate(models)})
    table = table.assign(place=place).sort_values(["dataset", "place", *rows[2:]], ignore_index=True)
    return table[[*rows, *columns]].rename_axis(columns=None)


def write_markdown(table: pd.DataFrame, path: str | Path, bold_best: bool = False, notes: Sequence[str] = ()) -> None:
    """Write a table as Markdown, with three decimals for floats.

    bold_best: print the best value of each column and dataset in bold. Values that are equal after rounding to three
    decimals are all bold. notes: plain text, one paragraph each, below the table.
    """
    printed = table.map(_printed)
    if bold_best:
        printed = printed.mask(_is_best(table), "**" + printed + "**")
    sides = ["right" if pd.api.types.is_numeric_dtype(kind) else "left" for kind in table.dtypes]
    text = printed.to_markdown(index=False, colalign=sides, disable_numparse=True)
    with whole_file(path) as partial:
        partial.write_text("\n\n".join([text, *notes]) + "\n", encoding="utf-8")


def write_latex(table: pd.DataFrame, path: str | Path, bold_best: bool = False, notes: Sequence[str] = ()) -> None:
    """Write a table as a LaTeX tabular (package booktabs), with three decimals for floats.

    bold_best, notes: as for write_markdown.
    """
    sides = "".join("r" if pd.api.types.is_numeric_dtype(kind) else "l" for kind in table.dtypes)
    style = table.style.hide(axis="index").format(_printed, escape="latex").format_index(escape="latex", axis=1)
    if bold_best:
        bold = _is_best(table).replace({True: "textbf:--rwrap;", False: ""})
        style = style.apply(lambda _: bold, axis=None)
    with whole_file(path) as partial:
        below = [r"\par\footnotesize " + re.sub("([&%$#_])", r"\\\1", note) + "\n" for note in notes]
        text = style.to_latex(hrules=True, column_format=sides)
        partial.write_text("".join([text, *below]), encoding="utf-8")


def _printed(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_best(table: pd.DataFrame) -> pd.DataFrame:
    """True for each float that is the highest of its column and dataset, after rounding to three decimals.

    The chance level is never the best, nor is the only model of a dataset.
    """
    best = pd.DataFrame(False, index=table.index, columns=table.columns)
    models = table[table["model"] != CHANCE]
    for column in table.select_dtypes("float"):
        rounded = models[column].round(3)
        groups = rounded.groupby(models["dataset"])
        best.loc[models.index, column] = (rounded == groups.transform("max")) & (groups.transform("size") > 1)
    return best
