"""The datasets and models of an experiment for which other studies have published figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbir.experiment.plan import Experiment


def pair_with_studies(experiment: Experiment) -> list[dict[str, Any]]:
    """Every dataset and model of an experiment that a study has figures of, with the study's names for both.

    Returns the keys dataset, model, study, level, published_dataset, size and published_model, in the order of the
    experiment's datasets and models. size is None for a dataset without the option `size`.
    """
    return [
        {
            "dataset": dataset,
            "model": model,
            "study": study,
            "level": entry["level"],
            "published_dataset": published_dataset,
            "size": experiment.datasets[dataset].options.get("size"),
            "published_model": published_model,
        }
        for dataset in experiment.datasets
        for model in experiment.models
        for study, entry in experiment.studies.items()
        for published_dataset, alternatives in entry["datasets"].items()
        if any(_is_dataset(experiment, dataset, options) for options in alternatives)
        for published_model, ours in entry["models"].items()
        if model in ours
    ]


def _is_dataset(experiment: Experiment, name: str, options: dict[str, Any]) -> bool:
    """Whether a dataset has the options by which the dataset of a study is recognized."""
    given = dict(experiment.datasets[name].options)
    if "members" in given:
        given["members"] = sorted(experiment.datasets[member].source for member in given["members"])
    if given["source"] == "released":
        given["tables"] = sorted(Path(table).stem for table in given["tables"])
    return all(given.get(key) == value for key, value in options.items())
