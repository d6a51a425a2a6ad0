"""Source `table`: a CSV or Parquet file that lists images."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbir.datasets.manifest import LABEL_PARTS, check_labels
from cbir.datasets.sources.files import (
    check_present,
    chosen_file,
    dataset_root,
    openable,
    read_csv,
    read_header,
    relative_paths,
)
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding
from cbir.errors import InputError, listing

OPTIONAL = ("image_id", "frame", "patient_id", "split", "report", "mask")


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read a CSV or Parquet file that lists images: a table with one row per image.

    options: `root`; `table`, a .csv, .csv.gz or .parquet file, relative to root; `check_files`, whether to check that
    each listed file exists. The columns of the file are

    - `image` (or `path`): the file of the image, relative to root;
    - the label, either in `modality, anatomic_region, pathology`, or in one-hot columns named
      `modality/region/finding`, in which only 1 is positive. Rows with exactly one positive label are kept;
    - optional: `image_id, frame, patient_id, split, report, mask`, where `mask` is a path relative to root.

    Other columns are ignored. Raises InputError for missing files, columns and labels, paths outside root and wrong
    frame numbers.
    """
    root = dataset_root(dataset, options)
    table = chosen_file(root, options, "table", dataset)
    names = _column_names(table, dataset)
    located = next((name for name in ("image", "path") if name in names), None)
    if located is None:
        raise InputError(f"dataset {dataset}: {table} has no column image; its columns are {', '.join(names)}")
    one_hot = [] if set(LABEL_PARTS) <= set(names) else [name for name in names if name.count("/") == 2]
    labels = one_hot or LABEL_PARTS
    optional = [name for name in OPTIONAL if name in names]
    images = _read_columns(table, dataset, [located, *labels, *optional], one_hot)

    images["relative"] = relative_paths(images[located], dataset)
    images["path"] = openable(images["relative"], root)
    if one_hot:
        images = _keep_one_hot(images, one_hot)
    if "frame" in images:
        images["frame"] = _frame_numbers(images["frame"], table, dataset)
    if "image_id" not in images:
        images["image_id"] = _image_ids(images)
    check_labels(images, dataset, table)
    listed = images["relative"]
    if "mask" in images:
        masked = images["mask"] != ""
        images.loc[masked, "mask"] = relative_paths(images.loc[masked, "mask"], dataset)
        listed = pd.concat([listed, images.loc[masked, "mask"]])
        images["mask"] = openable(images["mask"], root)
    if options["check_files"]:
        check_present(listed, root, dataset)
    return images[list(dict.fromkeys(["image_id", "path", *LABEL_PARTS, *optional]))]


def _column_names(table: Path, dataset: str) -> list[str]:
    if table.suffix != ".parquet":
        return read_header(table, dataset)
    try:
        return pq.read_schema(table).names
    except pa.ArrowInvalid as error:
        raise InputError(f"dataset {dataset}: cannot read {table} as Parquet ({error}); correct it") from error


def _read_columns(table: Path, dataset: str, columns: list[str], one_hot: list[str]) -> pd.DataFrame:
    """Read the columns: the one-hot columns as they are stored, the others as text."""
    if table.suffix != ".parquet":
        return read_csv(table, dataset, columns, coded=one_hot)
    images = pd.read_parquet(table, columns=columns)
    for column in set(columns) - set(one_hot):
        images[column] = images[column].astype("str").fillna("").str.strip()
    return images


def _keep_one_hot(images: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """The images with exactly one positive label, which becomes their modality, region and pathology."""
    position, is_single = single_finding({label: is_positive(images[label]) for label in labels})
    parts = pd.DataFrame([label.split("/") for label in labels], columns=LABEL_PARTS, dtype="str")
    images = pd.concat([images.drop(columns=labels), parts.take(position).set_axis(images.index)], axis=1)
    return keep_images(images, is_single, "not exactly one positive label")


def _frame_numbers(frames: pd.Series, table: Path, dataset: str) -> pd.Series:
    numbers = pd.to_numeric(frames.where(frames != "", "0"), errors="coerce")
    wrong = frames[~((numbers >= 0) & (numbers % 1 == 0))].unique()
    if len(wrong):
        raise InputError(
            f"dataset {dataset}: {table}: frame counts from 0; correct these values:{listing(map(repr, wrong))}"
        )
    return numbers.astype("int32")


def _image_ids(images: pd.DataFrame) -> pd.Series:
    """The path as image id, with `#<frame>` if the file contains more than one image."""
    paths = images["relative"]
    if "frame" not in images:
        return paths
    return paths.where(~paths.duplicated(keep=False), paths + "#" + images["frame"].astype("str"))
