"""The manifest of a dataset: one row per image, sorted by `image_id`. Every later step reads it."""

from pathlib import Path

import pandas as pd

from cbir.datasets.missing import MISSING, count_missing
from cbir.datasets.patients import complete_patients
from cbir.errors import InputError, listing
from cbir.files import set_aside, whole_file

COLUMNS = {
    "image_id": "str",
    "path": "str",
    "frame": "int32",
    "patient_id": "str",
    "modality": "str",
    "anatomic_region": "str",
    "pathology": "str",
    "label": "str",
    "split": "str",
    "report": "str",
    "mask": "str",
}
SPLITS = ("train", "val", "test")
# the split of images that an official list does not divide between train and val
OPEN_SPLIT = "trainval"
REQUIRED = ("image_id", "path", "modality", "anatomic_region", "pathology")
LABEL_PARTS = ["modality", "anatomic_region", "pathology"]


def complete_manifest(images: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Complete a source's table of images to a manifest.

    images: one row per image with at least `image_id, path, modality, anatomic_region, pathology`. Optional columns are
    `frame` (0 by default) and `patient_id`, `split`, `report` and `mask` (empty by default).

    Returns the columns COLUMNS in their order, sorted by `image_id`. An image without a patient id, or with a word for
    a missing value as its id, counts as a patient of its own. Raises InputError that lists missing columns, repeated
    image ids, missing or malformed labels, or unknown splits, and where there is no image.

    >>> labels = {"modality": "CT", "anatomic_region": "head", "pathology": ["normal", "tumour"]}
    >>> images = pd.DataFrame({"image_id": ["2", "1"], "path": ["2.png", "1.png"], **labels})
    >>> complete_manifest(images, "mine")[["image_id", "frame", "patient_id", "label"]]
      image_id  frame patient_id           label
    0        1      0          1  CT/head/tumour
    1        2      0          2  CT/head/normal
    """
    missing = [column for column in REQUIRED if column not in images]
    if missing:
        raise InputError(f"dataset {dataset}: no column {', '.join(missing)}; it has {', '.join(images.columns)}")
    if images.empty:
        raise InputError(f"dataset {dataset}: no image; check its root and its options")
    images = images.copy(deep=False)
    images["frame"] = images.get("frame", pd.Series(0, index=images.index)).fillna(0).astype("int32")
    patients = complete_patients(images, images["image_id"].fillna("").astype("str"), dataset)
    for column, kind in COLUMNS.items():
        if kind == "str" and column != "label":
            images[column] = images[column].fillna("").astype("str") if column in images else ""
    images["patient_id"] = patients
    _check_ids(images, dataset)
    check_labels(images, dataset)
    unknown = set(images["split"].unique()) - {*SPLITS, OPEN_SPLIT, ""}
    if unknown:
        allowed = ", ".join((*SPLITS, OPEN_SPLIT))
        raise InputError(f"dataset {dataset}: split {', '.join(sorted(unknown))!r}; allowed are {allowed}, or blank")
    images["label"] = images["modality"] + "/" + images["anatomic_region"] + "/" + images["pathology"]
    return images[list(COLUMNS)].sort_values("image_id", kind="stable", ignore_index=True)


def _check_ids(images: pd.DataFrame, dataset: str) -> None:
    """Raise InputError for image ids that occur more than once."""
    repeated = images.loc[images["image_id"].duplicated(), "image_id"].unique()
    if len(repeated):
        raise InputError(
            f"dataset {dataset}: image_id must be unique; {len(repeated)} repeated, list each once:{listing(repeated)}"
        )


def check_labels(images: pd.DataFrame, dataset: str, table: str | Path | None = None) -> None:
    """Check that every image has all parts of its label.

    table: the file that lists the images, if there is one, for the message. Raises InputError for parts that are
    missing or that are a word for a missing value, such as NA, and for slashes, since a slash separates the parts. The
    spelling of these words counts, because the word none, in small letters, can be a finding.
    """
    place = f"dataset {dataset}: {table}: " if table else f"dataset {dataset}: "
    for column in LABEL_PARTS:
        values = pd.Series(images[column].unique())
        missing = values[values.isin(MISSING)]
        if len(missing):
            rows = images.loc[images[column].isin(missing)]
            raise InputError(
                f"{place}{len(rows)} rows without {column} ({count_missing(rows[column], missing)}); write the real "
                f"label, or the word unknown:{listing(rows['image_id'])}"
            )
        slashed = values[values.str.contains("/", regex=False)]
        if len(slashed):
            raise InputError(f"{place}a slash in {column}, write it without:{listing(slashed)}")


def write_manifest(manifest: pd.DataFrame, path: str | Path) -> None:
    """Write a manifest as Parquet. Equal manifests are written as equal bytes."""
    with whole_file(path) as partial:
        manifest.to_parquet(partial, index=False, compression="zstd")


def read_manifest(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a manifest, or some of its columns. Raises InputError for a damaged file, which is set aside."""
    try:
        return pd.read_parquet(path, columns=columns)
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise set_aside(path, f"not a manifest ({error})") from error


def read_part(path: str | Path, part: int, parts: int, columns: list[str] | None = None) -> pd.DataFrame:
    """Read one of several nearly equal runs of rows of a manifest, divided as `numpy.array_split` does.

    part: number of the run, from 0. parts: number of runs. The first runs have one row more than the last ones where
    the rows cannot be divided equally, and the last ones are empty where there are fewer rows than runs.
    """
    images = read_manifest(path, columns)
    size, longer = divmod(len(images), parts)
    start = part * size + min(part, longer)
    return images.iloc[start : start + size + (part < longer)].reset_index(drop=True)
