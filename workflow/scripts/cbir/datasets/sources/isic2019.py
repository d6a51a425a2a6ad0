"""Source `isic2019`: dermoscopic images of the ISIC 2019 challenge."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT
from cbir.datasets.sources.files import check_present, complete_names, dataset_root, label_file, openable, read_csv
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding

# DMS is DICOM's modality for dermoscopy
DERMOSCOPY = {"modality": "DMS", "anatomic_region": "skin"}
DIAGNOSES = {
    "MEL": "Melanoma",
    "NV": "Melanocytic nevus",
    "BCC": "Basal cell carcinoma",
    "AK": "Actinic keratosis",
    "BKL": "Benign keratosis",
    "DF": "Dermatofibroma",
    "VASC": "Vascular lesion",
    "SCC": "Squamous cell carcinoma",
    "UNK": "Unknown",
}


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the images with exactly one diagnosis: a table with one row per image.

    options: `root`, the folder with ISIC_2019_Training_GroundTruth.csv, ISIC_2019_Training_Metadata.csv and the images
    in ISIC_2019_Training_Input/; `check_files`.

    If ISIC_2019_Test_GroundTruth.csv is in root too, its images in ISIC_2019_Test_Input/ are the test split, and train
    and val are left open. Images of one lesion are kept together, as if the lesion were a patient; the test images have
    no published patient or lesion. Raises InputError for missing files or columns.
    """
    root = dataset_root(dataset, options)
    label_file(root, ["ISIC_2019_Training_GroundTruth.csv"], dataset)
    has_test = (root / "ISIC_2019_Test_GroundTruth.csv").is_file()
    images = _read_part(root, "Training", OPEN_SPLIT if has_test else "", dataset)
    lesions = read_csv(label_file(root, ["ISIC_2019_Training_Metadata.csv"], dataset), dataset, ["image", "lesion_id"])
    images["patient_id"] = images["image"].map(lesions.drop_duplicates("image").set_index("image")["lesion_id"])
    if has_test:
        images = pd.concat([images, _read_part(root, "Test", "test", dataset)], ignore_index=True)

    position, is_single = single_finding({code: images[code].to_numpy() for code in DIAGNOSES})
    pathology = pd.Series(list(DIAGNOSES.values()), dtype="str").take(position).set_axis(images.index)
    images = images.drop(columns=list(DIAGNOSES)).assign(pathology=pathology, **DERMOSCOPY)
    images = keep_images(images, is_single, "not exactly one diagnosis")
    if options["check_files"]:
        check_present(images["image_id"], root, dataset)
    return images.drop(columns="image").assign(path=openable(images["image_id"], root))


def _read_part(root: Path, part: str, split: str, dataset: str) -> pd.DataFrame:
    """Names, paths and splits of the images of a part (Training or Test), with one bool column per diagnosis."""
    table = read_csv(root / f"ISIC_2019_{part}_GroundTruth.csv", dataset, ["image", *DIAGNOSES], coded=list(DIAGNOSES))
    folder = f"ISIC_2019_{part}_Input"
    return table.assign(
        **{code: is_positive(table[code]) for code in DIAGNOSES},
        image_id=f"{folder}/" + complete_names(table["image"], root / folder, ".jpg"),
        split=split,
    )
