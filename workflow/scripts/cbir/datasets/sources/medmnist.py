"""Source `medmnist`: the 2D sets of MedMNIST v2 (28 pixels) and MedMNIST+ (64, 128 and 224 pixels)."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cbir.datasets.manifest import LABEL_PARTS, SPLITS
from cbir.datasets.sources.files import dataset_root, openable
from cbir.datasets.sources.findings import keep_images, single_finding
from cbir.download import check_hash, download_file
from cbir.errors import InputError
from cbir.files import whole_file

URL = "https://zenodo.org/records/10519652/files/{name}.npz?download=1"
SETS = Path(__file__).parent / "data/medmnist_sets.yaml"


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read a set of MedMNIST: a table with one row per image.

    Image i of a split is frame i of the split's array. An .npz file is a zip of .npy files, which are unpacked beside
    it once, so that they can be mapped into memory.

    options: `root`, the folder with the set's .npz file as released, such as chestmnist_64.npz; `set`, such as
    chestmnist; `size`, the height and width of the images in pixels; `download`, whether to download a missing file.

    In sets with several findings per image, images with one finding or none are kept. The official splits are used;
    patients are not published. Raises InputError for an unknown set, and for a file that is missing, broken or cannot
    be downloaded. Yang et al. 2023, "MedMNIST v2".
    """
    sets = read_sets()
    facts = sets.get(options["set"])
    if facts is None or options["size"] not in facts["md5"]:
        raise InputError(
            f"dataset {dataset}: no 2D set {options['set']!r} of size {options['size']!r}; "
            f"sets are {', '.join(sets)}, sizes {', '.join(map(str, sets['pathmnist']['md5']))}"
        )
    # the first release had 28 pixels only, so its files have no suffix
    name = options["set"] + ("" if options["size"] == 28 else f"_{options['size']}")
    if options["download"]:
        Path(options["root"]).expanduser().mkdir(parents=True, exist_ok=True)
    root = dataset_root(dataset, options)
    archive = root / f"{name}.npz"
    if not archive.is_file():
        if not options["download"]:
            raise InputError(
                f"dataset {dataset}: no {archive}; set datasets.{dataset}.root to the folder that holds it, or "
                f"datasets.{dataset}.download: true"
            )
        _download(URL.format(name=name), archive, facts["md5"][options["size"]])
    parts = [_read_split(archive, name, split, facts, dataset) for split in SPLITS]
    images = pd.concat(parts, ignore_index=True)
    images = keep_images(images, images.pop("single"), "not exactly one finding")
    return images.assign(
        image_id=images["path"] + "#" + images["frame"].astype("str"), path=openable(images["path"], root)
    )


def read_sets() -> dict[str, dict]:
    """Labels and MD5 sums of the 2D sets, by name, from data/medmnist_sets.yaml."""
    return yaml.safe_load(SETS.read_text(encoding="utf-8"))


def _download(url: str, archive: Path, md5: str) -> None:
    """Download an .npz file. It is kept only if its MD5 sum is `md5`."""
    remedy = f"try again, or get {archive} by hand"
    download_file(url, archive, lambda fetched: check_hash(fetched, "md5", md5, f"{archive}: {url}", remedy))


def _read_split(archive: Path, name: str, split: str, facts: dict, dataset: str) -> pd.DataFrame:
    """One row per image of a split: its path relative to the archive's folder, and whether its label is `single`."""
    try:
        unpacked = _unpack(archive, f"{split}_images.npy", archive.parent / name)
        count = len(np.load(unpacked, mmap_mode="r"))
        with np.load(archive) as arrays:
            labels = arrays[f"{split}_labels"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"dataset {dataset}: cannot read or unpack {archive} ({error}); get it again") from error
    classes = next(facts[part] for part in LABEL_PARTS if isinstance(facts[part], list))
    if labels.shape[1] == 1:
        number, single = labels[:, 0].astype(np.intp), np.ones(len(labels), bool)
    else:
        findings = dict(zip(classes, (labels == 1).T, strict=True))
        number, single = single_finding({**findings, "No Finding": ~(labels == 1).any(axis=1)})
        classes = [*classes, "No Finding"]
    if len(labels) != count or number.min() < 0 or number.max() >= len(classes):
        raise InputError(f"dataset {dataset}: the images and labels in {archive} do not fit together; get it again")
    named = pd.Series(classes, dtype="str").take(number).reset_index(drop=True)
    return pd.DataFrame(
        {
            "path": f"{name}/{split}_images.npy",
            "frame": np.arange(count, dtype=np.int32),
            "split": split,
            "single": single,
            **{part: named if isinstance(facts[part], list) else facts[part] for part in LABEL_PARTS},
        }
    )


def _unpack(archive: Path, member: str, folder: Path) -> Path:
    """The path of a member of a zip file, unpacked into the folder. A file of the right size is not unpacked again."""
    path = folder / member
    with zipfile.ZipFile(archive) as content:
        if not path.exists() or path.stat().st_size != content.getinfo(member).file_size:
            with whole_file(path) as partial, content.open(member) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, length=1 << 20)
    return path
