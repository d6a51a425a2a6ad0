"""Labels that the chest radiograph datasets share: their modality and region, and the names of their findings."""

from pathlib import Path

import pandas as pd

from cbir.datasets.sources.files import read_csv
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding

CHEST = {"modality": "XR", "anatomic_region": "chest"}
NOT_SINGLE = "not exactly one finding"
# observations of the CheXpert labeller (Irvin et al. 2019, table 1), without Support Devices, which is not a finding
CHEXPERT_FINDINGS = [
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
]


def read_chexpert_labels(path: Path, dataset: str, columns: list[str]) -> pd.DataFrame:
    """Read a table of CheXpert labels: the given columns as text, and each of CHEXPERT_FINDINGS as bool.

    A finding is True where it is positive (1), and False where it is negative (0), uncertain (-1) or blank. Raises
    InputError for a missing column.
    """
    labels = read_csv(path, dataset, [*columns, *CHEXPERT_FINDINGS], coded=CHEXPERT_FINDINGS)
    return labels.assign(**{finding: is_positive(labels[finding]) for finding in CHEXPERT_FINDINGS})


def keep_single_finding(images: pd.DataFrame) -> pd.DataFrame:
    """The images with exactly one positive finding, which becomes their pathology.

    images: one row per image, with a bool column for each of CHEXPERT_FINDINGS. Returns the kept images without these
    columns, with the label in `modality, anatomic_region, pathology`.

    Uncertain and blank findings are not positive. Denner et al. 2025 also leave out training images of CheXpert, but
    not of MIMIC-CXR, that have an uncertain finding beside the positive one.
    """
    place, is_single = single_finding({finding: images[finding].to_numpy() for finding in CHEXPERT_FINDINGS})
    findings = pd.Series(CHEXPERT_FINDINGS, dtype="str").take(place).set_axis(images.index)
    images = images.drop(columns=CHEXPERT_FINDINGS).assign(pathology=findings, **CHEST)
    return keep_images(images, is_single, NOT_SINGLE)
