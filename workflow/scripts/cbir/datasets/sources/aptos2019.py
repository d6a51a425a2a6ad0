"""Source `aptos2019`: retinal photographs of the APTOS 2019 Blindness Detection challenge."""

import pandas as pd

from cbir.datasets.sources.files import check_present, complete_names, dataset_root, label_file, openable, read_csv
from cbir.errors import InputError, listing

# OP is DICOM's modality for ophthalmic photography
FUNDUS = {"modality": "OP", "anatomic_region": "retina"}
# severity of diabetic retinopathy; the challenge codes it by these positions, 0 to 4
GRADES = ["No DR", "Mild DR", "Moderate DR", "Severe DR", "Proliferative DR"]


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the challenge's training images: a table with one row per image.

    options: `root`, the folder with train.csv and train_images/; `check_files`. The challenge published no labels of
    its test images, no patients and no splits. Unverified: the folder layout, which could not be looked up. Raises
    InputError for missing files or columns and for unknown diagnoses.
    """
    root = dataset_root(dataset, options)
    table = label_file(root, ["train.csv"], dataset)
    images = read_csv(table, dataset, ["id_code", "diagnosis"])
    grade = images["diagnosis"].map({str(number): name for number, name in enumerate(GRADES)})
    wrong = images.loc[grade.isna(), "diagnosis"].unique()
    if len(wrong):
        raise InputError(
            f"dataset {dataset}: diagnosis in {table} must be 0 to 4; correct these values:{listing(map(repr, wrong))}"
        )
    paths = "train_images/" + complete_names(images["id_code"], root / "train_images", ".png")
    if options["check_files"]:
        check_present(paths, root, dataset)
    return pd.DataFrame({"image_id": paths, "path": openable(paths, root), "pathology": grade}).assign(**FUNDUS)
