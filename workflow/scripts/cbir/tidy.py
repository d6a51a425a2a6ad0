"""Tidy tables: one row per value. Parquet between the steps, CSV for people; both are read and written here only."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cbir.errors import InputError, listing
from cbir.files import set_aside, whole_file

# the columns that tell the rows of the retrieval table apart, in the order that it is sorted by
SCORE_KEYS = ["dataset", "model", "index", "index_images", "index_size", "draw", "level", "average", "metric", "k"]
ESTIMATES = ["value", "ci_low", "ci_high", "queries", "labels_of_one_patient", "chance"]
AVERAGES = ("micro", "macro")
# the name of the row and of the line of the score that is expected of a random order
CHANCE = "chance"
# columns of text, which stay text even where they look like numbers
NAMES = [
    *("dataset", "model", "other", "index", "index_size", "factory", "parameters", "level", "average", "metric"),
    *("study", "published_dataset", "published_model", "published_average"),
    *("label", "neighbor_label", "probe", "image_id", "split", "modality", "anatomic_region", "pathology"),
]


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as Parquet or CSV, by the suffix of the path.

    In CSV, floats have the shortest form that reads back exactly, so equal tables are equal bytes.
    """
    with whole_file(path) as partial:
        if partial.suffix == ".parquet":
            table.to_parquet(partial, index=False)
        else:
            table.to_csv(partial, index=False, lineterminator="\n")


def read_table(path: str | Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table that write_table wrote.

    columns: names that the table must have. In CSV, the columns of NAMES stay text and floats come back exactly.
    Raises InputError for a damaged file, which is set aside, and for missing columns.
    """
    try:
        table = pd.read_parquet(path) if Path(path).suffix == ".parquet" else _read_csv(path)
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # pyarrow and pandas raise many kinds for a damaged file
        raise set_aside(path, f"not a complete table ({error})") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: no column{listing(missing)}\ndelete it and run again")
    return table


def _read_csv(path: str | Path) -> pd.DataFrame:
    columns = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(
        path,
        dtype={column: "str" for column in columns if column in NAMES},
        keep_default_na=False,
        na_values={column: ["", "nan"] for column in columns if column not in NAMES},
    )


def label_rows(table: pd.DataFrame, **keys: object) -> pd.DataFrame:
    """The table with a constant column for each key, in front and in the order given.

    >>> label_rows(pd.DataFrame({"k": [1, 3]}), dataset="mine", model="pixels")
      dataset   model  k
    0    mine  pixels  1
    1    mine  pixels  3
    """
    return pd.concat([pd.DataFrame(keys, index=table.index), table], axis=1)


def gather_tables(paths: Iterable[str | Path], sort_by: Iterable[str] = ()) -> pd.DataFrame:
    """The rows of several tables in one, in the order of the paths, or sorted by the columns of `sort_by`."""
    table = pd.concat([read_table(path) for path in paths], ignore_index=True)
    keys = list(sort_by)
    return table.sort_values(keys, kind="stable", ignore_index=True) if keys else table
