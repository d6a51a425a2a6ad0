"""Source `phantoms`: the synthetic images that the workflow draws itself."""

import pandas as pd

from cbir.datasets.sources import table


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the phantoms that `make_phantoms` wrote: a table with one row per image.

    options: `root`, the folder that holds their images.csv and their files. Raises InputError when one is missing.
    """
    return table.read_images(dataset, {**options, "table": "images.csv", "check_files": True})
