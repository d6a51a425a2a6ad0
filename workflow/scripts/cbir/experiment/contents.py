"""The contents of the report: which tables and figures an experiment has, and the files that they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbir.experiment.plan import Experiment


@dataclass(frozen=True)
class Table:
    """A table of the report: see the comments in workflow/report/contents.yaml."""

    name: str
    sources: tuple[str, ...]  # the files that are put together, relative to the results; empty where a rule writes it
    main: str | None  # the tidy table that this table for print is made from
    sort_by: tuple[str, ...]  # columns by which the rows are sorted; without any they stay in the order of the sources


@dataclass(frozen=True)
class Figure:
    """A figure of the report: see the comments in workflow/report/contents.yaml.

    sources: tables, or for a figure of a model the files, in the order that its draw function takes them, relative to
    the results and with the wildcards dataset and model. path: of its files, without suffix. index: the only index
    whose rows are drawn; None draws all. datasets: those that have the figure.
    """

    name: str
    path: str
    per: str
    sources: tuple[str, ...]
    index: str | None
    datasets: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name in the report, with the wildcard of the model where there is one figure per model."""
        return self.name.replace("_", " ") + (" {model}" if self.per == "model" else "")


def plan_tables(experiment: Experiment) -> dict[str, Table]:
    """The tables of an experiment by name, in the order of the contents."""
    return {
        name: Table(name, tuple(_table_sources(experiment, entry)), entry.get("main"), tuple(entry.get("sort_by", ())))
        for name, entry in experiment.contents["tables"].items()
        if _having(experiment, entry)
    }


def plan_figures(experiment: Experiment) -> dict[str, Figure]:
    """The figures of an experiment by name, in the order of the contents; at least one dataset has each."""
    return {
        name: _plan_figure(experiment, name, entry, datasets)
        for name, entry in experiment.contents["figures"].items()
        if (datasets := _having(experiment, entry))
    }


def _table_sources(experiment: Experiment, entry: dict[str, Any]) -> list[str]:
    """The files that a table is put together from; none where a rule of its own writes it."""
    if "from" not in entry:
        return []
    patterns = {
        "dataset": "{dataset}",
        "model": "{dataset}/{model}",
        "index": "{dataset}/{index}",
        "cell": "{dataset}/{model}/{index}/{size}.{draw}",
        "full": "{dataset}/{model}/{index}/{size}.{draw}",
    }
    pattern = f"{entry['from']}/{patterns[entry['per']]}.parquet"
    cells = [cell for dataset in _having(experiment, entry) for cell in experiment.cells(dataset)]
    if entry["per"] != "cell":
        cells = [cell for cell in cells if cell["size"] == "full"]
    return list(dict.fromkeys(pattern.format(**cell) for cell in cells))


def _plan_figure(experiment: Experiment, name: str, entry: dict[str, Any], datasets: list[str]) -> Figure:
    """The figure of a name and its entry in the contents."""
    path, index = f"figures/{{dataset}}/{name}", experiment.exact_index if entry.get("index") == "exact" else None
    if entry["per"] == "dataset":
        sources = [f"tables/{table}.csv" for table in entry["from"]]
    else:
        path = f"{path}/{{model}}"
        full = f"{{dataset}}/{{model}}/{experiment.exact_index}/full.0"
        of_model = {"manifests": "manifests/{dataset}.parquet", "neighbors": f"neighbors/{full}.npz"}
        sources = [of_model.get(source, f"{source}/{{dataset}}/{{model}}.parquet") for source in entry["from"]]
    return Figure(name, path, entry["per"], tuple(sources), index, tuple(datasets))


def _having(experiment: Experiment, entry: dict[str, Any]) -> list[str]:
    """The datasets that have what a table or a figure needs."""
    needs = {
        None: lambda dataset: True,
        "several models": lambda dataset: len(experiment.models) > 1,
        "several indexes": lambda dataset: len(experiment.config["indexes"]) > 1,
        "several sizes": lambda dataset: len(dataset.index_sizes) > 1,
        "classifiers": lambda dataset: bool(experiment.classifiers),
        "own embeddings": lambda dataset: dataset.is_embedded,
        "pixels": lambda dataset: dataset.has_pixels,
        "published figures": lambda dataset: any(pair["dataset"] == dataset.name for pair in experiment.published),
    }
    has = needs[entry.get("needs")]
    return [name for name, dataset in experiment.datasets.items() if has(dataset)]
