"""Measure the time and memory that the manifests of the study's datasets take, with generated label files of full size.

python benchmarks/manifest.py [--files]: with --files, the images exist too, as empty files, and it is checked that
they exist.
"""

import argparse
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import peak_memory, seconds

from cbir.datasets.manifest import complete_manifest, read_manifest, write_manifest
from cbir.datasets.sources import find_source
from cbir.datasets.sources.chest import CHEXPERT_FINDINGS
from cbir.datasets.sources.nih14 import FINDINGS
from cbir.datasets.union import unite_manifests


def write_nih14(root: Path, images: int, rng: np.random.Generator) -> pd.Series:
    """The label files of ChestX-ray14. Returns the images' paths."""
    number = pd.Series(np.arange(images))
    patient = (number // 3.64).astype(int)
    name = patient.astype(str).str.zfill(8) + "_" + number.astype(str) + ".png"
    finding = rng.choice(list(FINDINGS), images).astype(object)
    several = rng.random(images) < 0.19
    finding[several] += "|" + rng.choice(["Mass", "Hernia"], several.sum()).astype(object)
    table = pd.DataFrame({"Image Index": name, "Finding Labels": finding, "Follow-up #": 0, "Patient ID": patient})
    table.to_csv(root / "Data_Entry_2017.csv", index=False)
    is_test = patient % 9 < 2
    (root / "train_val_list.txt").write_text("\n".join(name[~is_test]))
    (root / "test_list.txt").write_text("\n".join(name[is_test]))
    return "images_001/images/" + name


def draw_labels(images: int, rng: np.random.Generator) -> pd.DataFrame:
    """Labels in the form of the CheXpert labeller. Two of three images have one finding."""
    labels = rng.choice(["", "0.0", "-1.0"], (images, 14), p=[0.8, 0.12, 0.08])
    labels[np.arange(images), rng.integers(0, 13, images)] = "1.0"
    several = np.flatnonzero(rng.random(images) < 1 / 3)
    labels[several, rng.integers(0, 13, len(several))] = "1.0"
    return pd.DataFrame(labels, columns=[*CHEXPERT_FINDINGS, "Support Devices"])


def write_chexpert(root: Path, images: int, rng: np.random.Generator) -> pd.Series:
    """The label files of CheXpert. Returns the images' paths."""
    number = pd.Series(np.arange(images))
    patient = (number // 3.44).astype(int).astype(str).str.zfill(5)
    path = "train/patient" + patient + "/study" + number.astype(str) + "/view1_frontal.jpg"
    path = path.where(number >= 234, path.str.replace("train", "valid"))
    table = pd.concat([("CheXpert-v1.0-small/" + path).rename("Path"), draw_labels(images, rng)], axis=1)
    table[:234].to_csv(root / "valid.csv", index=False)
    table[234:].to_csv(root / "train.csv", index=False)
    return path


def write_mimic_cxr(root: Path, images: int, rng: np.random.Generator) -> pd.Series:
    """The label files of MIMIC-CXR-JPG. Returns the images' paths."""
    study = pd.Series((np.arange(images) // 1.655).astype(int))
    subject = 10_000_000 + study // 3 * 150
    keys = pd.DataFrame({"study_id": 50_000_000 + study, "subject_id": subject}).astype(str)
    hexadecimal = pd.Series(rng.integers(0, 16**8, (images, 5)).tolist())
    dicom = hexadecimal.map(lambda parts: "-".join(f"{part:08x}" for part in parts))
    split = rng.choice(["train", "validate", "test"], images, p=[0.978, 0.008, 0.014])
    keys.assign(dicom_id=dicom, split=split).to_csv(root / "mimic-cxr-2.0.0-split.csv.gz", index=False)
    studies = keys.drop_duplicates("study_id", ignore_index=True)
    table = pd.concat([studies, draw_labels(len(studies), rng)], axis=1)
    table.to_csv(root / "mimic-cxr-2.0.0-chexpert.csv.gz", index=False)
    patient = "p" + keys["subject_id"].str.slice(0, 2) + "/p" + keys["subject_id"]
    return "files/" + patient + "/s" + keys["study_id"] + "/" + dicom + ".jpg"


def write_radimagenet(root: Path, images: int, rng: np.random.Generator) -> pd.Series:
    """The label files of RadImageNet. Returns the images' paths."""
    classes = [f"{m}/region{i % 11}/pathology_{i}" for m, n in (("CT", 35), ("MR", 115)) for i in range(n)]
    classes = np.array([*classes, *(f"US/organ{i}" for i in range(15))], dtype=object)
    chosen = pd.Series(classes[rng.integers(0, len(classes), images)])
    path = chosen + "/" + chosen.str.replace("/", "-") + pd.Series(np.arange(images)).astype(str).str.zfill(7) + ".png"
    table = pd.DataFrame({"filename": "radiology_ai/" + path, "label": chosen.str.replace("/", "-")})
    bounds = {"train": (0.0, 0.75), "val": (0.75, 0.85), "test": (0.85, 1.0)}
    for split, (start, stop) in bounds.items():
        rows = slice(int(start * images), int(stop * images))
        table[rows].to_csv(root / f"RadiologyAI_{split}.csv", index=False)
    return path


def touch(root: Path, paths: pd.Series) -> None:
    """Make an empty file for each image."""
    for folder in paths.str.rpartition("/")[0].unique():
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in paths:
        (root / path).touch()


def make(source: str, root: Path, check_files: bool, output: Path) -> None:
    """Do the work of the rule make_manifest."""
    options = {"root": str(root), "check_files": check_files, "ignore": None}
    write_manifest(complete_manifest(find_source(source)(source, options), source), output)


def unite(manifests: dict[str, Path], output: Path) -> None:
    """Unite the manifests, as the rule unite_datasets does first."""
    united = unite_manifests("union", {name: read_manifest(path) for name, path in manifests.items()})
    write_manifest(united, output)


def measure(work, *arguments) -> tuple[float, float]:
    """Time (s) and peak memory (GiB) of a function in a process of its own, without the time of imports."""

    def run(sender) -> None:
        taken = seconds(lambda: work(*arguments))
        sender.send((taken, peak_memory() / 2**30))

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=run, args=(sender,))
    process.start()
    process.join()
    return receiver.recv()


# function that writes the label files, and published number of images
DATASETS = {
    "nih14": (write_nih14, 112_120),
    "chexpert": (write_chexpert, 224_316),
    "mimic-cxr": (write_mimic_cxr, 377_110),
    "radimagenet": (write_radimagenet, 1_354_886),
}


def write(writer, root: Path, images: int, with_files: bool) -> None:
    """Write the label files of a dataset and, if wanted, its images."""
    root.mkdir()
    paths = writer(root, images, np.random.default_rng(0))
    if with_files:
        touch(root, paths)


def main() -> None:
    """Print one line for each dataset and one for their union."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true")
    with_files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as temporary:
        manifests, total = {}, 0.0
        for name, (writer, images) in DATASETS.items():
            root, manifests[name] = Path(temporary) / name, Path(temporary) / f"{name}.parquet"
            measure(write, writer, root, images, with_files)
            taken, peak = measure(make, name, root, with_files, manifests[name])
            total += taken
            kept = len(read_manifest(manifests[name], ["split"]))
            print(f"{name:12} {images:9,} listed {kept:9,} kept {taken:6.1f} s {peak:5.2f} GiB", flush=True)
        taken, peak = measure(unite, manifests, Path(temporary) / "union.parquet")
        print(f"{'union':45} {taken:6.1f} s {peak:5.2f} GiB\n{'in all':45} {total + taken:6.1f} s")


if __name__ == "__main__":
    main()
