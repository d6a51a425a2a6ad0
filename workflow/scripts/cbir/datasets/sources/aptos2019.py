"""Source `aptos2019`: fundus photographs of the APTOS 2019 Blindness Detection challenge."""

import pandas as pd

from cbir.datasets.sources.files import check_present, complete_names, dataset_root, label_file, openable, read_csv
from cbir.errors import InputError, listing

FUNDUS = {"modality": "OP", "anatomic_region": "retina"}  # DICOM: ophthalmic photography
# Severity of diabetic retinopathy, by the challenge's diagnosis 0 to 4.
GRADES = ["No DR", "Mild DR", "Moderate DR", "Severe DR", "Proliferative DR"]


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """A row an image of the challenge's training set; the labels of its test set were not published.

    options: `root`, with train.csv and train_images/; `check_files`. Patients and a split were not published.
    Unverified: the layout, which could not be looked up. Raises InputError.
    """
    root = dataset_root(dataset, options)
    table = label_file(root, ["train.csv"], dataset)
    images = read_csv(table, dataset, ["id_code", "diagnosis"])
    grade = images["diagnosis"].map({str(number): name for number, name in enumerate(GRADES)})
    wrong = images.loc[grade.isna(), "diagnosis"].unique()
    if len(wrong):
        raise InputError(
            f"dataset {dataset}: diagnosis in {table} must be 0 to 4, it can't be:{listing(map(repr, wrong))}"
        )
    paths = "train_images/" + complete_names(images["id_code"], root / "train_images", ".png")
    if options["check_files"]:
        check_present(paths, root, dataset)
    return pd.DataFrame({"image_id": paths, "path": openable(paths, root), "pathology": grade}).assign(**FUNDUS)
