"""Phantoms: synthetic radiological images for the default experiment. None of them shows a real patient."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.datasets.phantoms.regions import REGIONS, Region, image_phantom
from cbir.datasets.phantoms.reports import write_report
from cbir.datasets.phantoms.writing import Header, write_dicom, write_png
from cbir.tidy import write_table

# studies of each patient
STUDIES = 2
COLUMNS = ["image", "patient_id", "modality", "anatomic_region", "pathology", "report", "mask"]


def make_phantoms(folder: Path, patients: int, seed: int, threads: int = 1) -> None:
    """Write synthetic CT, MR, US and XR images with masks of their findings, and the table `images.csv`.

    Each patient has two studies of two or three images. The images of a study show the same body and finding in
    several slices, weightings, poses or exposures. CT and MR images and half of the radiographs are DICOM files; the
    other images are PNG files.

    folder: where the files are written. patients: number of patients; a smaller number gives the first patients of a
    larger one, with the same bytes. threads: number of processes; it changes no byte.

    `images.csv` has one row per image, with the columns COLUMNS. Its paths are relative to `folder`, and `mask` is
    empty where the finding is normal.
    """
    folder = Path(folder)
    work = partial(_make_patient, folder, seed)
    if threads == 1:
        rows = [work(patient) for patient in range(patients)]
    else:
        # Forked, because a spawned process would run the calling script again.
        with ProcessPoolExecutor(threads, get_context("fork")) as pool:
            rows = list(pool.map(work, range(patients), chunksize=4))
    table = pd.DataFrame([row for made in rows for row in made], columns=COLUMNS)
    write_table(table, folder / "images.csv")


def _make_patient(folder: Path, seed: int, patient: int) -> list[tuple]:
    """Write the images and masks of one patient. Returns one row of `images.csv` per image."""
    rng = np.random.default_rng([seed, patient])
    name = f"P{patient + 1:04d}"
    sex, age, build = (
        "FM"[int(rng.integers(2))],
        int(rng.integers(18, 90)),
        float(np.clip(rng.normal(1, 0.08), 0.82, 1.2)),
    )
    for kind in ("images", "masks"):
        (folder / kind / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for study in range(STUDIES):
        region, finding = _schedule(seed, patient * STUDIES + study)
        for image in range(int(rng.integers(2, 4))):
            scan = np.random.default_rng([seed, patient, study + 1, image + 1, 3])
            phantom = image_phantom(region, finding, build, (seed, patient, study + 1), scan)
            stem = f"{name}/study{study + 1}-image{image + 1}"
            report = write_report(scan, phantom, region.modality, region.name, finding)
            if region.modality in ("CT", "MR") or (region.modality == "XR" and (patient + image) % 2 == 0):
                path = f"images/{stem}.dcm"
                modality = ("DX", "CR")[patient % 4 // 2] if region.modality == "XR" else region.modality
                header = Header(seed, name, sex, age, study + 1, image + 1, modality, region.name)
                write_dicom(folder / path, phantom, header, inverted=patient % 3 == 0)
            else:
                path = f"images/{stem}.png"
                write_png(folder / path, phantom.pixels, 16 if region.modality == "XR" and scan.uniform() < 0.5 else 8)
            mask = "" if finding == "normal" else f"masks/{stem}.png"
            if mask:
                write_png(folder / mask, phantom.mask, 8)
            rows.append((path, name, region.modality, region.name, finding, report, mask))
    return rows


def _schedule(seed: int, study: int) -> tuple[Region, str]:
    """Choose the region and finding of a study.

    The studies go in rounds through all findings of all regions. Each round has a random order of its own and contains
    the finding normal twice for each region.
    """
    labels = [(region, finding) for region in REGIONS for finding in ("normal", "normal", *region.findings)]
    turn, place = divmod(study, len(labels))
    return labels[int(np.random.default_rng([seed, turn, 1]).permutation(len(labels))[place])]
