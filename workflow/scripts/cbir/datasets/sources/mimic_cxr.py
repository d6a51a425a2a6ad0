"""Source `mimic-cxr`: MIMIC-CXR-JPG."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from cbir.datasets.sources.chest import CHEXPERT_FINDINGS, keep_single_finding, read_chexpert_labels
from cbir.datasets.sources.files import check_present, dataset_root, label_file, openable, read_csv
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError

# threads that read reports, which are many small files and often on a network drive
READERS = 8


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the images with exactly one finding: a table with one row per image.

    options: `root`, the folder with mimic-cxr-2.0.0-split.csv and mimic-cxr-2.0.0-chexpert.csv (or .csv.gz) and the
    images as files/p10/p10000032/s50414267/<dicom_id>.jpg; `check_files`. If MIMIC-CXR's mimic-cxr-reports.zip is
    unpacked to mimic-cxr-reports/ in root, the free-text reports are read too (unverified: the name of that folder).

    The official splits are used. Raises InputError for missing files or columns and for a study that is listed twice.
    Johnson et al. 2019, "MIMIC-CXR-JPG".
    """
    root = dataset_root(dataset, options)
    tables = {
        kind: label_file(root, [f"mimic-cxr-2.*-{kind}.csv", f"mimic-cxr-2.*-{kind}.csv.gz"], dataset)
        for kind in ("split", "chexpert")
    }
    images = read_csv(tables["split"], dataset, ["dicom_id", "subject_id", "study_id", "split"])
    labels = read_chexpert_labels(tables["chexpert"], dataset, ["study_id"])
    repeated = labels.loc[labels["study_id"].duplicated(), "study_id"]
    if len(repeated):
        raise InputError(f"dataset {dataset}: {tables['chexpert']} lists study {repeated.iloc[0]} twice; list it once")
    study = pd.Index(labels["study_id"]).get_indexer(images["study_id"])
    images = images.assign(**{finding: labels[finding].to_numpy()[study] for finding in CHEXPERT_FINDINGS})
    images = keep_single_finding(keep_images(images, study >= 0, "study without labels"))

    studies = "p" + images["subject_id"].str.slice(0, 2) + "/p" + images["subject_id"] + "/s" + images["study_id"]
    paths = "files/" + studies + "/" + images["dicom_id"] + ".jpg"
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images[["modality", "anatomic_region", "pathology"]].assign(
        image_id=paths,
        path=openable(paths, root),
        patient_id=images["subject_id"],
        split=images["split"].replace("validate", "val"),
        report=_read_reports(studies, root / "mimic-cxr-reports"),
    )


def _read_reports(studies: pd.Series, folder: Path) -> pd.Series:
    """The text of the report of each study; blank for a study without a report."""
    if not folder.is_dir():
        return pd.Series("", index=studies.index, dtype="str")
    if (folder / "files").is_dir():
        folder = folder / "files"

    def read(study: str) -> str:
        try:
            return (folder / f"{study}.txt").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return ""

    names = studies.unique()
    with ThreadPoolExecutor(READERS) as pool:
        return studies.map(pd.Series(list(pool.map(read, names)), index=names, dtype="str"))
