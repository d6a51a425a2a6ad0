"""Miniature datasets on disk, for the tests of the sources."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cbir.datasets.manifest import complete_manifest

# dataset and labels of each split table of the miniature release
RELEASED_TABLES = {
    "radimagenet.csv": ("radiology_ai", ["CT/lung/nodule", "CT/lung/normal", "MR/brain/glioma"]),
    "nih14.csv": ("nih14", ["XR/chest/No Finding", "XR/chest/Hernia"]),
}


def write_files(root: Path, files: dict[str, str]) -> Path:
    """Write text files, by their path below root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def touch_files(root: Path, *names: str) -> Path:
    """Make empty files; a source reads no pixels."""
    return write_files(root, dict.fromkeys(names, ""))


def read_manifest_of(read, root: Path, **options) -> pd.DataFrame:
    """The completed manifest of the dataset at root. read: the function read_images of a source."""
    return complete_manifest(read("mini", {"root": str(root), "check_files": True} | options), "mini")


def rows(manifest: pd.DataFrame, *columns: str) -> list[tuple]:
    """The given columns, one tuple per row."""
    return list(manifest[list(columns)].itertuples(index=False, name=None))


def make_release(folder: Path) -> Path:
    """Two split tables and the embeddings of ModelA as the study's authors lay them out; 30 images per table."""
    generator = np.random.default_rng(0)
    (folder / "embeddings/ModelA").mkdir(parents=True)
    for name, (dataset, labels) in RELEASED_TABLES.items():
        label = np.arange(30) % len(labels)
        split = np.array(["train", "train", "test", "train", "val"])[np.arange(30) % 5]
        table = pd.DataFrame(np.eye(len(labels))[label], columns=labels)
        places = [f"{part}/{'/'.join(labels[code].split('/')[:2])}" for part, code in zip(split, label, strict=True)]
        paths = [f"{dataset}/{place}/p{i // 2:05}/img_{i:06}.png" for i, place in enumerate(places)]
        modality, region = np.array([label.split("/")[:2] for label in labels])[label].T
        columns = {"filepath": paths, "dataset": dataset, "split": split, "modality": modality}
        for position, (column, values) in enumerate((columns | {"anatomic_region": region}).items()):
            table.insert(position, column, values)
        table.sample(frac=1, random_state=1).to_csv(folder / name, index=False)
        vectors = generator.normal(size=(30, 6))
        with h5py.File(folder / f"embeddings/ModelA/{dataset}.h5", "w") as file:
            for path, vector in zip(paths, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True):
                file[path] = vector.astype(np.float32)
    return folder
