"""What the chest radiograph datasets share: one modality, one region, and the names of findings."""

from pathlib import Path

import pandas as pd

from cbir.datasets.sources.files import read_csv
from cbir.datasets.sources.findings import is_positive, keep_images, single_finding

CHEST = {"modality": "XR", "anatomic_region": "chest"}
NOT_SINGLE = "not exactly one finding"
# The CheXpert labeller's observations (Irvin et al. 2019, table 1) but for Support Devices, which is no finding.
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
    """The columns of a table of CheXpert labels, and whether each of the CHEXPERT_FINDINGS is positive."""
    labels = read_csv(path, dataset, [*columns, *CHEXPERT_FINDINGS], coded=CHEXPERT_FINDINGS)
    return labels.assign(**{finding: is_positive(labels[finding]) for finding in CHEXPERT_FINDINGS})


def keep_single_finding(images: pd.DataFrame) -> pd.DataFrame:
    """The images with exactly one of the CHEXPERT_FINDINGS positive, which becomes their pathology.

    Uncertain (-1) and blank are not positive. Denner et al. 2025 moreover leave out a training image of CheXpert,
    though not of MIMIC-CXR, that has an uncertain finding beside its positive one.
    """
    place, is_single = single_finding({finding: images[finding].to_numpy() for finding in CHEXPERT_FINDINGS})
    findings = pd.Series(CHEXPERT_FINDINGS, dtype="str").take(place).set_axis(images.index)
    images = images.drop(columns=CHEXPERT_FINDINGS).assign(pathology=findings, **CHEST)
    return keep_images(images, is_single, NOT_SINGLE)
