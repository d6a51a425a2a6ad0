"""The inputs of the report's figures, as their draw functions take them."""

from pathlib import Path

import pandas as pd

from cbir.retrieval.neighbors import Neighbors, load_neighbors
from cbir.tidy import read_table


def read_source(path: str | Path, dataset: str, index: str | None) -> pd.DataFrame | Neighbors:
    """One input of a figure: a table, a manifest or neighbors.

    Of a table of several datasets, only the rows of `dataset` are returned, and only those of `index` where it is given
    and the table has that column. Raises InputError for a damaged file.
    """
    if Path(path).suffix == ".npz":
        return load_neighbors(path)
    table = read_table(path)
    for column, wanted in {"dataset": dataset, "index": index}.items():
        if wanted is not None and column in table:
            table = table[table[column] == wanted]
    return table
