"""Source `chexpert`: CheXpert-v1.0 and CheXpert-v1.0-small."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT
from cbir.datasets.sources.chest import keep_single_finding, read_chexpert_labels
from cbir.datasets.sources.files import check_present, dataset_root, label_file, openable, relative_paths


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the images with exactly one finding: a table with one row per image.

    options: `root`, the folder with train.csv and valid.csv, or the folder above it; `check_files`. The images are in
    train/ and valid/ beside the tables. If the publisher's batches are side by side in root, the train images are in
    their folders "CheXpert-v1.0 batch * (train *)".

    The official valid images are the test split; train and val are left open. Raises InputError for missing files or
    columns. Irvin et al. 2019.
    """
    root = dataset_root(dataset, options)
    tables = label_file(root, ["train.csv", "CheXpert-v1.0*/train.csv"], dataset).parent
    parts = [
        read_chexpert_labels(label_file(tables, [name], dataset), dataset, ["Path"]).assign(split=split)
        for name, split in (("train.csv", OPEN_SPLIT), ("valid.csv", "test"))
    ]
    images = keep_single_finding(pd.concat(parts, ignore_index=True))

    # listed paths begin with the publisher's name of the folder, which may have another name here
    listed = relative_paths(images["Path"], dataset).str.replace(r"^CheXpert-v1\.0[^/]*/", "", regex=True)
    images["patient_id"] = listed.str.extract(r"(?:^|/)(patient\d+)/", expand=False)
    beside = tables.relative_to(root).as_posix()
    paths = listed if beside == "." else f"{beside}/" + listed
    batches = images["patient_id"].map(_patients_of_batches(root)).astype("str")
    moved = batches.notna() & listed.str.startswith("train/")
    paths = paths.mask(moved, batches + listed.str.removeprefix("train"))
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images.drop(columns="Path").assign(image_id=paths, path=openable(paths, root))


def _patients_of_batches(root: Path) -> pd.Series:
    """The folder of the publisher's train batch that each patient is in; empty if there are no batches in root."""
    batches = {
        patient.name: batch.name
        for batch in sorted(root.glob("CheXpert-v1.0 batch * (train *)"))
        for patient in batch.iterdir()
    }
    return pd.Series(batches, dtype="str")
