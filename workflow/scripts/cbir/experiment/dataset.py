"""A dataset of an experiment: its kind, and what is to be made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# options of a dataset that don't change what its source reads
LATER_OPTIONS = {"split", "min_per_label", "index_sizes", "k", "shards"}


@dataclass(frozen=True)
class Dataset:
    """One dataset of the experiment.

    options: its entry in the configuration, completed. index_sizes: as in file names, such as "100", "10pct" or "full".
    k: neighbors found for each query. shards: jobs that inspect and embed it. members: the datasets that a union
    unites. has_pixels: whether its images can be shown; released embeddings come without images.
    """

    name: str
    options: dict[str, Any]
    index_sizes: tuple[str, ...]
    k: int
    shards: int
    members: tuple[str, ...]
    has_pixels: bool

    @property
    def source(self) -> str:
        """The name of its source, as in the configuration."""
        return self.options["source"]

    @property
    def is_union(self) -> bool:
        """Whether it unites other datasets of the experiment."""
        return self.source == "union"

    @property
    def is_released(self) -> bool:
        """Whether its embeddings are imported, as the study's authors released them."""
        return self.source == "released"

    @property
    def has_own_source(self) -> bool:
        """Whether it is read from a source of its own: it is no union."""
        return not self.is_union

    @property
    def is_embedded(self) -> bool:
        """Whether its images go through an encoder here: it is neither released nor a union."""
        return self.has_own_source and not self.is_released

    @property
    def listing_files(self) -> list[str]:
        """The tables or the folder that list its images, where its options name them and they are there."""
        root = Path(self.options.get("root", "")).expanduser()
        if self.source == "phantoms":
            return [str(root)]
        tables = [root / self.options["table"]] if "table" in self.options else []
        tables += [Path(table).expanduser() for table in self.options.get("tables", [])]
        return [str(table) for table in tables if table.exists()]

    @property
    def source_options(self) -> dict[str, Any]:
        """The options that decide what its source reads; all others can change without reading the dataset again."""
        return {name: value for name, value in self.options.items() if name not in LATER_OPTIONS}
