"""Source `released`: the study's split tables and embeddings as its authors published them, without an image."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import LABEL_PARTS
from cbir.datasets.sources.files import read_csv, read_header
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding
from cbir.errors import InputError, listing


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """A row an image from released split tables.

    options: `tables`, CSV files with the columns `filepath, dataset, split` and one-hot columns named
    `modality/region/finding`, of which 1 is positive; a label that a table lacks is 0 there, and images with exactly
    one positive label are kept. `image_id` is the filepath; `path` is `<dataset>.h5/<filepath>`, the place of the
    image's embedding in the folder of a model. Patients are not released, so each image is its own. Raises InputError.
    """
    tables = [_read_split_table(Path(table).expanduser(), dataset) for table in options["tables"]]
    images = pd.concat(tables, ignore_index=True)
    return keep_images(images.drop(columns="single"), images["single"], "not exactly one positive label")


def _read_split_table(table: Path, dataset: str) -> pd.DataFrame:
    if not table.is_file():
        raise InputError(f"dataset {dataset}: no table {table}; mend datasets.{dataset}.tables")
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
        raise InputError(f"dataset {dataset}: {table}: column dataset names no .h5 file:{listing(map(repr, wrong))}")
    place, is_single = single_finding({label: is_positive(images[label]) for label in labels})
    parts = pd.DataFrame([label.split("/") for label in labels], columns=LABEL_PARTS, dtype="str")
    return parts.take(place).assign(
        image_id=images["filepath"].to_numpy(),
        path=(images["dataset"] + ".h5/" + images["filepath"]).to_numpy(),
        split=images["split"].to_numpy(),
        single=is_single,
    )
