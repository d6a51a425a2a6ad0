"""The plan: what an experiment has to make, as one object that follows from its configuration and the model catalogue.

Snakemake's rules ask this object and decide nothing themselves.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cbir.experiment.catalogue import check_catalogue, list_files, load_catalogue, read_catalogue_schema
from cbir.experiment.config import EXACT, SEARCH_PARAMETERS, complete_config, read_schema
from cbir.experiment.contents import Figure, Table, plan_figures, plan_tables
from cbir.experiment.dataset import Dataset
from cbir.experiment.published import pair_with_studies
from cbir.experiment.yaml_files import read_mapping

FULL = "full"  # the index size that holds the whole index split; every dataset has it


@dataclass(frozen=True)
class Experiment:
    """A completed configuration, the catalogue, the contents of the report, other studies, and what follows from them.

    config: as cbir.experiment.config.complete_config returns it. catalogue: entries by model name. contents: as read
    from workflow/report/contents.yaml. studies: as read from workflow/published/studies.yaml. sources: the descriptions
    of the dataset sources by name, as cbir.experiment.config.read_schema has them.

    >>> config = {"results": "results", "datasets": {"mine": {"source": "table"}}, "models": ["pixels"],
    ...           "index_sizes": [20, "full"], "index_draws": 2, "indexes": {"exact": {"factory": "Flat"}},
    ...           "search": {"k": 10}, "embedding": {"shards": 1}}
    >>> [(cell["size"], cell["draw"]) for cell in Experiment(config, {}, {}, {}).cells("mine")]
    [('20', 0), ('20', 1), ('full', 0)]
    """

    config: dict[str, Any]
    catalogue: dict[str, dict]
    contents: dict[str, dict]
    studies: dict[str, dict]
    sources: dict[str, dict] = field(default_factory=dict)

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """The datasets by name."""
        return {name: self._dataset(name, options) for name, options in self.config["datasets"].items()}

    def _dataset(self, name: str, options: dict[str, Any]) -> Dataset:
        config, members = self.config, tuple(options.get("members", ()))
        if options["source"] == "phantoms":
            options = options | {"root": f"{config['results']}/phantoms/{name}"}
        source = self.sources.get(options["source"], {})
        released = {other for other, entry in config["datasets"].items() if entry["source"] == "released"}
        return Dataset(
            name=name,
            options=options,
            index_sizes=tuple(str(size) for size in options.get("index_sizes", config["index_sizes"])),
            k=options.get("k", config["search"]["k"]),
            shards=options.get("shards", config["embedding"]["shards"]),
            members=members,
            has_pixels=released.isdisjoint({name, *members}),
            tables=tuple(source.get("tables", ())),
            is_tree=source.get("images") == "tree",
        )

    def names(self, attribute: str) -> list[str]:
        """The names of the datasets for which a property of Dataset holds, such as is_embedded."""
        return [name for name, dataset in self.datasets.items() if getattr(dataset, attribute)]

    def pattern(self, attribute: str) -> str:
        """The regular expression of the names of the datasets for which a property holds."""
        return any_of(self.names(attribute))

    def note_of_changes(self, dataset: str, kind: str) -> Path:
        """Where it is noted that the "files" or the "images" of a dataset have changed since the last run."""
        return Path(self.config["results"], "changes", f"{dataset}.{kind}")

    def noted_changes(self, dataset: str, kind: str) -> list[str]:
        """The note of changes, if there is one."""
        note = self.note_of_changes(dataset, kind)
        return [str(note)] if note.exists() else []

    @property
    def wildcard_constraints(self) -> dict[str, str]:
        """The regular expression of each wildcard of the workflow's files."""
        return {
            "dataset": any_of(self.datasets),
            "model": any_of(self.models),
            "index": any_of(self.config["indexes"]),
            "size": r"\d+|[\d.]+pct|\d+-per-label|full",
            **dict.fromkeys(("draw", "part", "parts"), r"\d+"),
        }

    @property
    def models(self) -> list[str]:
        """The names of the encoders, in the order of the configuration."""
        return self.config["models"]

    @property
    def families(self) -> dict[str, str]:
        """The family of each model, by which figures choose colours."""
        return {model: self.catalogue.get(model, {}).get("family", "released") for model in self.models}

    @property
    def raw_pixels(self) -> list[str]:
        """The names of the models whose embedding is the image itself, by their loader."""
        return [model for model in self.models if self.catalogue.get(model, {}).get("loader") == "pixels"]

    @property
    def classifiers(self) -> list[str]:
        """The classifiers that are fitted to the embeddings."""
        return self.config["probes"]["methods"]

    @property
    def exact_index(self) -> str:
        """The name of the exact index by cosine similarity, which is analysed beyond its scores."""
        return self._exact_index("cosine")

    def reference_index(self, index: str) -> str:
        """The name of the exact index by the same similarity, with whose neighbors those of an index are compared."""
        return self._exact_index(self.config["indexes"][index]["similarity"])

    def _exact_index(self, similarity: str) -> str:
        indexes = self.config["indexes"]
        return next(name for name in indexes if indexes[name] == {"factory": EXACT, "similarity": similarity})

    def is_euclidean(self, index: str) -> bool:
        """Whether an index compares raw features by Euclidean distance."""
        return self.config["indexes"][index]["similarity"] == "euclidean"

    def full_cell(self, dataset: str, model: str) -> dict[str, str]:
        """The columns that tell which index an analysis is of: the exact index of the whole index split."""
        return {"dataset": dataset, "model": model, "index": self.exact_index, "index_size": FULL}

    @property
    def levels_of_all_images(self) -> list[str]:
        """The levels at which all images are ranked for a query, not only those of its anatomic region."""
        return [level for level in self.config["scores"]["levels"] if level != "pathology_in_region"]

    def measured_depths(self, dataset: str) -> list[int]:
        """The depths at which the recall of an index is measured: those of the tables and the depth searched."""
        return sorted({*self.config["scores"]["at"], self.datasets[dataset].k})

    def cleaning_options(self, dataset: str) -> dict[str, Any]:
        """How the images of a dataset are split and which are left out; the splits of a union's members stand."""
        options = self.datasets[dataset].options
        cleaning = {key: self.config[key] for key in ("duplicates", "near_duplicates")}
        cleaning["min_per_label"] = options["min_per_label"]
        if self.datasets[dataset].is_union:
            return cleaning
        return cleaning | {
            "shares": options["split"],
            "unreadable": self.config["unreadable"],
            "seed": self.config["seed"],
        }

    def expand_shards(self, pattern: str, dataset: str) -> list[str]:
        """A pattern with the wildcards part and parts, for every shard of a dataset; other wildcards stay."""
        parts = self.datasets[dataset].shards
        return [pattern.replace("{part}", str(part)).replace("{parts}", str(parts)) for part in range(parts)]

    def expand_members(self, pattern: str, dataset: str) -> list[str]:
        """A pattern with the wildcard dataset, for every member of a union; other wildcards stay."""
        return [pattern.replace("{dataset}", member) for member in self.datasets[dataset].members]

    def expand_inspections(self, pattern: str, dataset: str) -> list[str]:
        """As expand_members, but nothing where members were released without their images."""
        return self.expand_members(pattern, dataset) if self.datasets[dataset].has_pixels else []

    def released_files(self, dataset: str, model: str) -> list[str]:
        """The released files of a model's embeddings."""
        folder = Path(self.datasets[dataset].options["embeddings"], model).expanduser()
        return sorted(map(str, folder.glob("*.h5")))

    def search_parameters(self, index: str) -> dict[str, int]:
        """The search parameters of an index, by faiss's names."""
        options = self.config["indexes"][index]
        return {name: options[name] for name in SEARCH_PARAMETERS if name in options}

    def build_threads(self, index: str) -> int:
        """Threads for building an index; an exact one is only filled."""
        return 1 if self.config["indexes"][index]["factory"] == EXACT else self.config["search"]["threads"]

    def draws(self, size: str) -> range:
        """The draws of an index size. The full index split can only be drawn once."""
        return range(1 if size == FULL else self.config["index_draws"])

    def cells(self, dataset: str) -> list[dict[str, str | int]]:
        """Every model × index × size × draw of a dataset, as the wildcards of its files."""
        return [
            {"dataset": dataset, "model": model, "index": index, "size": size, "draw": draw}
            for size in self.datasets[dataset].index_sizes
            for model in self.models
            for index in self.config["indexes"]
            for draw in self.draws(size)
        ]

    @cached_property
    def published_files(self) -> dict[str, dict]:
        """The files that have to be fetched for the models, as model/name, and where each is published."""
        return {
            f"{model}/{name}": source
            for model in self.models
            if model in self.catalogue
            for name, source in list_files(self.catalogue[model]).items()
        }

    def missing_files_pattern(self, weights: Path) -> str:
        """The regular expression of the published files that are not in the folder of the weights yet."""
        return any_of(file for file in self.published_files if not (weights / file).exists())

    def weights_file(self, model: str) -> str | None:
        """The weight file of a model as model/name; None where it is not one that is fetched."""
        source = self.catalogue.get(model, {}).get("weights", {})
        return f"{model}/{source['file']}" if source.keys() & {"repository", "url"} else None

    @cached_property
    def published(self) -> list[dict[str, Any]]:
        """The datasets and models of which other studies have published figures, as pair_with_studies returns them."""
        return pair_with_studies(self)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables of this experiment by name, in the order of the contents."""
        return plan_tables(self)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """The figures of this experiment by name, in the order of the contents; at least one dataset has each."""
        return plan_figures(self)

    @cached_property
    def table_files(self) -> list[str]:
        """Every table file of the experiment, relative to the results; tables for print as Markdown and LaTeX, too."""
        return [
            f"tables/{name}.{suffix}"
            for name, table in self.tables.items()
            for suffix in (("csv", "md", "tex") if table.main else ("csv",))
        ]

    @cached_property
    def figure_files(self) -> list[str]:
        """Every figure file of the experiment, as PDF and PNG, relative to the results."""
        return [
            f"{figure.path.format(dataset=dataset, model=model)}.{suffix}"
            for dataset in self.datasets
            for figure in self.figures.values()
            if dataset in figure.datasets
            for model in (self.models if figure.per == "model" else [""])
            for suffix in ("pdf", "png")
        ]


def read_experiment(config: dict[str, Any], project: Path) -> Experiment:
    """The experiment of a configuration as read from YAML.

    project: the folder that holds `workflow`. Raises InputError that lists every problem of the configuration or of the
    catalogue.
    """
    workflow = project / "workflow"
    catalogue = load_catalogue(workflow / "models.yaml", config.get("model_catalog"))
    library = workflow / "scripts/cbir"
    check_catalogue(catalogue, read_catalogue_schema(workflow / "schemas", library / "encoders/loaders"))
    schema = read_schema(workflow / "schemas", library / "datasets/sources")
    config = complete_config(config, schema, list(catalogue))
    contents, studies = (read_mapping(workflow / name) for name in ("report/contents.yaml", "published/studies.yaml"))
    return Experiment(config, catalogue, contents, studies, schema["$defs"]["sources"])


def any_of(names: Iterable[str]) -> str:
    """The regular expression that matches any of some names, and nothing where there is none.

    >>> any_of(["a.b", "c"])
    'a\\\\.b|c'
    """
    return "|".join(map(re.escape, names)) or "(?!)"
