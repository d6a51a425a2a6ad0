"""Source `nih14`: NIH ChestX-ray14."""

import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT
from cbir.datasets.sources.chest import CHEST, NOT_SINGLE
from cbir.datasets.sources.files import (
    check_present,
    dataset_root,
    label_file,
    list_folder,
    openable,
    read_csv,
    read_lines,
)
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing

# the publisher's name of each finding, and its name in CheXpert and MIMIC-CXR
FINDINGS = {
    finding: finding
    for finding in (
        "No Finding",
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Edema",
        "Emphysema",
        "Fibrosis",
        "Hernia",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pneumonia",
        "Pneumothorax",
    )
} | {"Effusion": "Pleural Effusion", "Pleural_Thickening": "Pleural Thickening"}


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the images with exactly one finding, where "No Finding" counts as one: a table with one row per image.

    options: `root`, the folder with Data_Entry_2017*.csv, train_val_list.txt, test_list.txt, and the images in
    images*/images/ or images*/; `check_files`. The official test list is the test split; train and val are left open.
    Raises InputError for missing files or columns and for unknown findings. Wang et al. 2017, "ChestX-ray8".
    """
    root = dataset_root(dataset, options)
    entries = label_file(root, ["Data_Entry_2017*.csv"], dataset)
    images = read_csv(entries, dataset, ["Image Index", "Finding Labels", "Patient ID"])
    images = images.set_axis(["name", "finding", "patient_id"], axis=1)

    split = dict.fromkeys(read_lines(label_file(root, ["train_val_list.txt"], dataset)), OPEN_SPLIT)
    split |= dict.fromkeys(read_lines(label_file(root, ["test_list.txt"], dataset)), "test")
    images["split"] = images["name"].map(pd.Series(split, dtype="str"))
    images = keep_images(images, images["split"].notna(), "in neither official list")
    images = keep_images(images, ~images["finding"].str.contains("|", regex=False), NOT_SINGLE)
    unknown = images.loc[~images["finding"].isin(list(FINDINGS)), "finding"].unique()
    if len(unknown):
        raise InputError(
            f"dataset {dataset}: {entries} has findings that are not in the published file; correct them:"
            f"{listing(map(repr, unknown))}"
        )

    found = {}
    for folder in sorted(root.glob("images*/images")) + sorted(root.glob("images*")):
        below = folder.relative_to(root).as_posix()
        found |= {name: f"{below}/{name}" for name in list_folder(folder)}
    paths = images["name"].map(pd.Series(found, dtype="str")).astype("str").fillna("images/" + images["name"])
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images.drop(columns=["name", "finding"]).assign(
        image_id=paths, path=openable(paths, root), pathology=images["finding"].map(FINDINGS), **CHEST
    )
