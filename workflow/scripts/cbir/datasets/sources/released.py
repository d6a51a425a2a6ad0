"""Source `released`: the study's split tables and embeddings as its authors published them, without images."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import LABEL_PARTS
from cbir.datasets.sources.files import read_csv, read_header
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding
from cbir.errors import InputError, listing


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the released split tables: a table with one row per image.

    options: `tables`, CSV files with the columns `filepath, dataset, split` and one-hot columns named
    `modality/region/finding`, in which 1 is positive. A label without a column in a table is 0 in that table. Images
    with exactly one positive label are kept.

    `image_id` is the filepath. `path` is `<dataset>.h5/<filepath>`, the place of the image's embedding in the folder of
    a model. Patients are not released, so each image is its own patient. Raises InputError for a missing table or
    column.
    """
    tables = [_read_split_table(Path(table).expanduser(), dataset) for table in options["tables"]]
    images = pd.concat(tables, ignore_index=True)
    return keep_images(images.drop(columns="single"), images["single"], "not exactly one positive label")


def _read_split_table(table: Path, dataset: str) -> pd.DataFrame:
    """One row per image of a split table, with whether it has a `single` label."""
    if not table.is_file():
        raise InputError(f"dataset {dataset}: no table {table}; correct datasets.{dataset}.tables")
    labels = [name for name in read_header(table, dataset) if name.count("/") == 2]
    if not labels:
        raise InputError(
            f"dataset {dataset}: {table} has no label columns, named modality/region/finding; "
            f"give a released split table under datasets.{dataset}.tables"
        )
    images = read_csv(table, dataset, ["filepath", "dataset", "split", *labels], coded=labels)
    sources = images["dataset"].unique()
    wrong = [source for source in sources if not source or "/" in source]
    if wrong:
        raise InputError(
            f"dataset {dataset}: {table}: column dataset must name an .h5 file; correct these values:"
            f"{listing(map(repr, wrong))}"
        )
    position, is_single = single_finding({label: is_positive(images[label]) for label in labels})
    parts = pd.DataFrame([label.split("/") for label in labels], columns=LABEL_PARTS, dtype="str")
    return parts.take(position).assign(
        image_id=images["filepath"].to_numpy(),
        path=(images["dataset"] + ".h5/" + images["filepath"]).to_numpy(),
        split=images["split"].to_numpy(),
        single=is_single,
    )
