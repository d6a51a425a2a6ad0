"""Source `radimagenet`: RadImageNet, whose labels are in the paths of its images."""

import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cbir.datasets.manifest import LABEL_PARTS
from cbir.datasets.sources.files import (
    check_present,
    chosen_file,
    dataset_root,
    label_file,
    openable,
    read_csv,
    read_lines,
    relative_paths,
)
from cbir.datasets.sources.findings import keep_images
from cbir.download import check_hash, download_file
from cbir.errors import InputError, listing

# Ultrasound classes name an organ without a finding, except for these: class -> (region, finding). As in Denner et al.
# 2025, "fibroid" is an organ.
ULTRASOUND = {"thyroid_nodule": ("thyroid", "nodule")}
FIELDS = (*LABEL_PARTS, "ultrasound")
# the value of the option `ignore` that means the study's own list
STUDY = "study"
# the list in the repository of Denner et al. 2025, and the name that git gives to its content
LIST_NAME = "ignore_list.txt"
LIST_URL = (
    "https://raw.githubusercontent.com/MIC-DKFZ/foundation-models-for-cbmir/4c88d8b0298d665d1d0c9b4fde547658fe484271/"
    f"scripts/prepare_datasets/RadImageNet/{LIST_NAME}"
)
LIST_BLOB = "ffb734769f6a97dfbd97531c9f882d99eb2f71fc"
LABELLED_PATH = (
    r"^(?:radiology_ai/)?(?:(?P<modality>CT|MR)/(?P<anatomic_region>[^/]+)/(?P<pathology>[^/]+)|US/(?P<ultrasound>[^/]+))"
    r"/[^/]+$"
)
log = logging.getLogger(__name__)


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read all images with a label from their path: a table with one row per image.

    Paths are such as `CT/lung/nodule/x.png`, `MR/knee/acl_pathology/x.png` and `US/gb/x.png`.

    options: `root`, `check_files`, and `ignore`, the images to leave out: null; a text file, relative to root, with one
    path per line as the tables name it; or "study" for the list of Denner et al. 2025. That list is ignore_list.txt in
    root. It is downloaded where it is missing, and its git blob hash is checked in both cases.

    The tables RadiologyAI_train.csv, RadiologyAI_val.csv and RadiologyAI_test.csv, and the folders of images CT/, MR/
    and US/, are in root itself or in its folder radiology_ai/.

    The official splits are used; patients are not published. Raises InputError for missing files or columns, for paths
    without a label, and for a list of images to leave out that cannot be fetched, is another file or names no image.
    Mei et al. 2022.

    The content of the study's list is not verified here. Its form is taken from prepare_radimagenet.py, which compares
    each line with the column `filename` of the tables. Denner et al. count 161 labels in the union with the chest
    radiographs, which have 20. The paper on RadImageNet counts 165 labels of its own. Whether 161 are left with the
    list is unchecked, because the images and tables are not at hand. No labels are merged here.
    """
    root = dataset_root(dataset, options)
    parts = []
    for split in ("train", "val", "test"):
        name = f"RadiologyAI_{split}.csv"
        table = label_file(root, [name, f"radiology_ai/{name}"], dataset)
        parts.append(read_csv(table, dataset, ["filename"]).assign(split=split))
    images = pd.concat(parts, ignore_index=True)
    if options["ignore"]:
        images = keep_images(images, ~_find_ignored(images["filename"], root, options, dataset), "on the ignore list")
    images["filename"] = relative_paths(images["filename"], dataset)
    images = images.assign(**_read_labels(images["filename"], dataset))
    below = "radiology_ai/" if (root / "radiology_ai").is_dir() else ""
    paths = below + images.pop("filename").str.removeprefix("radiology_ai/")
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images.assign(image_id=paths, path=openable(paths, root))


def _find_ignored(names: pd.Series, root: Path, options: dict, dataset: str) -> pd.Series:
    """Whether the list of images to leave out names each image. names: (images,) text, as the tables have them."""
    path = _fetch_list(root, dataset) if options["ignore"] == STUDY else chosen_file(root, options, "ignore", dataset)
    lines = pd.Series(read_lines(path), dtype="str")
    ignored = names.isin(lines)
    if not ignored.any():
        raise InputError(
            f"dataset {dataset}: no line of {path} is the name of an image; write one name per line as in the column "
            f"filename of the tables, such as {names.iloc[0]!r}. Its first lines are:{listing(map(repr, lines[:3]))}"
        )
    log.info("dataset %s: %d of %d lines of %s name an image", dataset, lines.isin(names).sum(), len(lines), path)
    return ignored


def _fetch_list(root: Path, dataset: str) -> Path:
    """The study's list of images to leave out, in root. It is downloaded if it is missing, and checked."""
    path = root / LIST_NAME
    if path.is_file():
        remedy = f"delete it to fetch {LIST_URL}, or set datasets.{dataset}.ignore: ./{LIST_NAME} to use it as it is"
        check_hash(path, "git_blob", LIST_BLOB, f"dataset {dataset}: {path}", remedy)
    else:
        found, remedy = f"{path}: {LIST_URL}", "put the file there by hand"
        download_file(LIST_URL, path, lambda fetched: check_hash(fetched, "git_blob", LIST_BLOB, found, remedy))
    return path


def _read_labels(paths: pd.Series, dataset: str) -> dict[str, pd.Series]:
    """Modality, anatomic region and pathology of each path. Raises InputError for paths without a label."""
    matches = pc.extract_regex(pa.array(paths, pa.string()), LABELLED_PATH)
    unlabelled = paths[pc.is_null(matches).to_numpy(zero_copy_only=False)]
    if len(unlabelled):
        raise InputError(
            f"dataset {dataset}: {len(unlabelled)} paths do not contain modality, region and finding; correct them or "
            f"list them in datasets.{dataset}.ignore:{listing(unlabelled)}"
        )
    labels = pd.DataFrame({field: pc.struct_field(matches, field).to_pandas() for field in FIELDS}, dtype="str")
    organs = labels.pop("ultrasound")
    single_level = organs != ""
    regions = organs.replace({organ: region for organ, (region, _) in ULTRASOUND.items()})
    findings = organs.map({organ: finding for organ, (_, finding) in ULTRASOUND.items()}).fillna("normal")
    return {
        "modality": labels["modality"].mask(single_level, "US"),
        "anatomic_region": labels["anatomic_region"].mask(single_level, regions),
        "pathology": labels["pathology"].mask(single_level, findings),
    }
