"""Source `cbis-ddsm`: mammograms of CBIS-DDSM, as DICOM files from TCIA or as JPEG files from Kaggle."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT
from cbir.datasets.sources.files import (
    check_present,
    dataset_root,
    find_files,
    label_file,
    openable,
    read_csv,
    relative_paths,
)
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing

# MG is DICOM's modality for mammography
MAMMOGRAM = {"modality": "MG", "anatomic_region": "breast"}
VERDICTS = {"MALIGNANT": "malignant", "BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign"}
# columns of the case descriptions, and our names for them
COLUMNS = {
    "patient_id": "patient_id",
    "left or right breast": "side",
    "image view": "view",
    "abnormality type": "abnormality",
    "pathology": "verdict",
    "image file path": "listed",
}
# columns that together identify an image
IMAGE = ["patient_id", "side", "view"]


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the full mammograms whose abnormalities all have the same label: a table with one row per image.

    The pathology is a benign or malignant mass or calcification. Images whose abnormalities differ are left out.

    options: `root`, `check_files`. The four tables {mass,calc}_case_description_{train,test}_set.csv are in root or in
    its folder csv/. The images are anywhere below root and are found by the names of their folders:
    Mass-Training_P_00001_LEFT_CC/**/*.dcm (TCIA) or <SeriesInstanceUID>/*.jpg (Kaggle).

    The official test sets are the test split; train and val are left open. A patient with a mass and a calcification
    can be in both. Masks are not read, because the tables swap mask and crop for some cases. Raises InputError for
    missing files or columns and for unknown verdicts. Lee et al. 2017.
    """
    root = dataset_root(dataset, options)
    cases = pd.concat(
        [_read_cases(root, kind, part, dataset) for kind in ("mass", "calc") for part in ("train", "test")],
        ignore_index=True,
    )
    cases["pathology"] = cases["verdict"].map(VERDICTS) + " " + cases["abnormality"]
    wrong = cases.loc[cases["pathology"].isna(), "verdict"].unique()
    if len(wrong):
        raise InputError(
            f"dataset {dataset}: the case descriptions' pathology must be {', '.join(VERDICTS)}; correct these values:"
            f"{listing(map(repr, wrong))}"
        )
    agrees = cases.groupby(IMAGE)["pathology"].transform("nunique") == 1
    images = cases.assign(agrees=agrees).drop_duplicates(IMAGE, ignore_index=True)
    images = keep_images(images, images["agrees"], "abnormalities that differ")

    # the tables list paths such as Mass-Training_P_00001_LEFT_CC/<StudyInstanceUID>/<SeriesInstanceUID>/000000.dcm
    found = find_files(root, dataset, (".dcm", ".jpg"))
    by_case = _first_by(found, r"(?:^|/)((?:Mass|Calc)-(?:Training|Test)_P_\d+_(?:LEFT|RIGHT)_(?:CC|MLO))/.*\.dcm$")
    by_series = _first_by(found, r"(?:^|/)([0-9.]+)/[^/]*\.jpg$")
    listed = relative_paths(images["listed"], dataset)
    cases_found = listed.str.extract("^([^/]+)", expand=False).map(by_case).astype("str")
    series_found = listed.str.extract("([0-9.]+)/[^/]+$", expand=False).map(by_series).astype("str")
    paths = cases_found.fillna(series_found).fillna(listed)
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images[["patient_id", "pathology", "split"]].assign(image_id=paths, path=openable(paths, root), **MAMMOGRAM)


def _read_cases(root: Path, kind: str, part: str, dataset: str) -> pd.DataFrame:
    """The case descriptions of one kind of abnormality and one part, one row per abnormality."""
    name = f"{kind}_case_description_{part}_set.csv"
    table = read_csv(label_file(root, [name, f"csv/{name}"], dataset), dataset, list(COLUMNS))
    return table.rename(columns=COLUMNS).assign(split="test" if part == "test" else OPEN_SPLIT)


def _first_by(paths: pd.Series, key: str) -> pd.Series:
    """The first path of each key. `key`: a regular expression that finds the key in a path."""
    keys = paths.str.extract(f"(?i){key}", expand=False)
    return paths[keys.notna()].set_axis(keys[keys.notna()]).groupby(level=0).first()
