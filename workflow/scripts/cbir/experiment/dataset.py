"""A dataset of an experiment: its kind, and what is to be made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# options of a dataset that don't change what its source reads
LATER_OPTIONS = {"split", "min_per_label", "index_sizes", "k", "shards"}
# ends of the names of tables and lists
TABLES = (".csv", ".csv.gz", ".txt", ".parquet")


def _is_table(path: Path) -> bool:
    return path.name.endswith(TABLES) and not path.name.startswith(".") and path.is_file()


@dataclass(frozen=True)
class Dataset:
    """One dataset of the experiment.

    options: its entry in the configuration, completed. index_sizes: as in file names, such as "100", "10pct" or "full".
    k: neighbors found for each query. shards: jobs that inspect and embed it. members: the datasets that a union
    unites. has_pixels: whether its images can be shown; released embeddings come without images. tables, is_tree: what
    the description of its source says: the options that name tables, and whether all files below the root are images.
    """

    name: str
    options: dict[str, Any]
    index_sizes: tuple[str, ...]
    k: int
    shards: int
    members: tuple[str, ...]
    has_pixels: bool
    tables: tuple[str, ...] = ()
    is_tree: bool = False

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
        """The tables or the folder that list its images, as far as they are there.

        They are what the options of `tables` name. A source without such options has its tables in the root and in the
        folders of the root, unless it takes all files below the root.
        """
        root = Path(self.options.get("root") or "").expanduser()
        if self.source == "phantoms":
            return [str(root)]
        if not self.tables and not self.is_tree and self.options.get("root"):
            return sorted(str(path) for depth in ("*", "*/*") for path in root.glob(depth) if _is_table(path))
        values = [self.options.get(option) or [] for option in self.tables]
        names = [Path(name).expanduser() for value in values for name in ([value] if isinstance(value, str) else value)]
        found = [next(filter(Path.is_file, (root / name, name)), None) for name in names]
        return [str(path) for path in found if path]

    @property
    def tree(self) -> str | None:
        """The folder whose files are its images, whatever a table says; None where there is no such folder."""
        root = self.options.get("root") if self.is_tree else None
        return str(Path(root).expanduser()) if root else None

    @property
    def source_options(self) -> dict[str, Any]:
        """The options that decide what its source reads; all others can change without reading the dataset again."""
        return {name: value for name, value in self.options.items() if name not in LATER_OPTIONS}
