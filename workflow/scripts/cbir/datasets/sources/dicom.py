"""Source `dicom`: a tree of DICOM files, or those that an installed package ships."""

import importlib.metadata
import logging
import re
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from cbir.datasets.manifest import check_labels
from cbir.datasets.missing import is_missing_word
from cbir.datasets.sources.files import dataset_root, find_files, openable, read_csv
from cbir.datasets.sources.findings import keep_images
from cbir.errors import InputError, listing
from cbir.images.dicom_headers import SIGNATURE_END, is_dicom, read_header

# threads that read files; several threads hide the delay of a file server
READERS = 8
# number of files that a thread takes at a time
CHUNK = 64
# computed, digital and film radiography, which all become modality XR
RADIOGRAPHY = ("CR", "DX", "DR", "RG")
# modalities whose pixels are drawn regions or a computed dose
NOT_PICTURES = ("SEG", "RTDOSE")
# SOP classes of single-frame and multi-frame secondary captures
SECONDARY_CAPTURE = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\..*)?$")
TAGS = [
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "PatientID",
    "BodyPartExamined",
    "StudyInstanceUID",
    "NumberOfFrames",
    "Rows",
    "Columns",
]
# stands for the header of a file that cannot be read
NO_HEADER = Dataset()
NO_HEADER.file_meta = FileMetaDataset()
# columns that a table of labels can add
ADDED = ["pathology", "report", "split"]
log = logging.getLogger(__name__)


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read the headers of DICOM files: a table with one row per image.

    DICOM files are recognized by their content, not by their names. The options are

    - `root`, or `package`: an installed Python package that contains the files;
    - `modalities`: those to keep; if it is missing, all except segmentations and doses are kept;
    - `frames`: "all" frames of a file, or the "middle" one;
    - `localizers`, `secondary_captures`: whether these are kept;
    - `labels`: a .csv, .csv.gz or .parquet file, relative to the working directory, with a column `SOPInstanceUID` or
      `path` (relative to root) and one or more of `pathology`, `report` and `split`. An image without a pathology is
      "unlabelled".

    The patient id is the only identifying tag in the table. If it is missing, blank or a word such as NA, the images of
    a study are grouped by the UID of the study. Without that UID too, each file is its own patient. Files that cannot
    be opened, files with a broken header and image objects without pixels stay in the table, so that the inspection
    reports them. Raises InputError for options and files that do not fit.
    """
    root, files = _list_files(dataset, options)
    with ThreadPool(READERS) as readers:
        found = readers.imap(lambda file: _read_object(root, file), files, CHUNK)
        objects = pd.DataFrame.from_records([item for item in found if item])
    if objects.empty:
        raise InputError(f"dataset {dataset}: none of {len(files)} files under {root} is DICOM; correct its root")
    images = _select(objects, options)
    log.info(
        "dataset %s: %d of %d files have no patient id; their patient is their study, or else the file",
        *(dataset, len(images) - images["has_patient"].sum(), len(images)),
    )
    if table := options.get("labels"):
        images = _add_labels(images, Path(table).expanduser(), dataset)
    images["pathology"] = images["pathology"].replace("", "unlabelled") if "pathology" in images else "unlabelled"
    images = _one_row_per_frame(images, options["frames"])
    check_labels(images, dataset, table)
    images["path"] = openable(images["relative"], root)
    kept = ["image_id", "path", "frame", "patient_id", "modality", "anatomic_region", *ADDED]
    return images[[column for column in kept if column in images]]


def _list_files(dataset: str, options: dict) -> tuple[Path, list[str]]:
    """The root folder, and the files to read, relative to it and sorted."""
    package = options.get("package")
    if bool(package) == bool(options.get("root")):
        raise InputError(f"dataset {dataset}: set either datasets.{dataset}.root or datasets.{dataset}.package")
    if not package:
        root = dataset_root(dataset, options)
        return root, list(find_files(root, dataset, extensions=[""]))
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(
            f"dataset {dataset}: package {package} is not installed; install it, or correct datasets.{dataset}.package"
        ) from error
    files = [file.as_posix() for file in distribution.files or [] if file.suffix not in (".py", ".pyc")]
    return Path(distribution.locate_file("")), sorted(file for file in files if not file.startswith(".."))


def _read_object(root: Path, relative: str) -> dict | None:
    """The description of the image in a DICOM file; None if the file is not DICOM."""
    try:
        file = (root / relative).open("rb")
    except OSError:
        return _describe(NO_HEADER, relative, False)
    with file:
        start = file.read(SIGNATURE_END)
        if not is_dicom(start):
            return None
        file.seek(0)
        try:
            header, element = read_header(file, TAGS)
            described = _describe(header, relative, element is not None)
        except Exception:  # pydicom raises many kinds of errors for a broken header
            described = _describe(NO_HEADER, relative, False)
    return described if start.endswith(b"DICM") or described["storage"] else None


def _describe(header: Dataset, relative: str, has_pixels: bool) -> dict:
    """Patient, modality, region, number of frames and kind of the image with this header, by name."""
    modality = _first_text(header, "Modality").upper()
    region = re.sub(r"[\s_]+", " ", _first_text(header, "BodyPartExamined").lower())
    storage = _first_text(header, "SOPClassUID") or _first_text(header.file_meta, "MediaStorageSOPClassUID")
    has_pixels = has_pixels and "Rows" in header and "Columns" in header
    patient = _first_text(header, "PatientID")
    return {
        "relative": relative,
        "instance": _first_text(header, "SOPInstanceUID"),
        "patient_id": patient or _first_text(header, "StudyInstanceUID") or relative,
        "has_patient": bool(patient),
        "modality": "XR" if modality in RADIOGRAPHY else modality.replace("/", "-") or "unknown",
        "anatomic_region": region.replace("/", "-") or "unknown",
        "frames": int(header.get("NumberOfFrames") or 1),
        "storage": storage,
        "has_pixels": has_pixels,
        "is_broken": not has_pixels and (not storage or "Image Storage" in UID(storage).name),
        "is_localizer": "LOCALIZER" in (header.get("ImageType") or []),
    }


def _first_text(header: Dataset, keyword: str) -> str:
    """The first value of an element as text; "" if the element is missing, empty or a word for a missing value."""
    value = header.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    text = "" if value is None else str(value).strip("\0 ")
    return "" if is_missing_word(text) else text


def _select(objects: pd.DataFrame, options: dict) -> pd.DataFrame:
    """The images that the options select; `attrs["left_out"]` counts the others by reason."""
    images = keep_images(objects, objects["has_pixels"] | objects["is_broken"], "DICOM without pixels")
    if not options["localizers"]:
        images = keep_images(images, ~images["is_localizer"], "localizer")
    if not options["secondary_captures"]:
        images = keep_images(images, ~images["storage"].str.match(SECONDARY_CAPTURE), "secondary capture")
    modalities = options.get("modalities")
    selected = images["modality"].isin(modalities) if modalities else ~images["modality"].isin(NOT_PICTURES)
    return keep_images(images, selected | images["is_broken"], "modality not selected")


def _add_labels(images: pd.DataFrame, table: Path, dataset: str) -> pd.DataFrame:
    """The images with the columns that the table adds; "" for an image without a row in the table."""
    if not table.is_file():
        raise InputError(f"dataset {dataset}: no table {table}; correct datasets.{dataset}.labels")
    labels = pd.read_parquet(table) if table.suffix == ".parquet" else read_csv(table, dataset)
    added = [column for column in ADDED if column in labels]
    key = next((column for column in ("SOPInstanceUID", "path") if column in labels), None)
    if key is None or not added:
        raise InputError(
            f"dataset {dataset}: {table} needs a column SOPInstanceUID or path, and one of {', '.join(ADDED)}; "
            f"its columns are {', '.join(labels)}"
        )
    labels = labels[[key, *added]].astype("str").fillna("").set_index(key)
    repeated = labels.index[labels.index.duplicated()].unique()
    if len(repeated):
        raise InputError(f"dataset {dataset}: {table} must list each {key} once; repeated are:{listing(repeated)}")
    keys = images["instance" if key == "SOPInstanceUID" else "relative"]
    if not keys.isin(labels.index).any():
        raise InputError(
            f"dataset {dataset}: {table} names none of the {len(images)} images by {key}; "
            f"their names are such as {keys.iloc[0]!r}"
        )
    return images.assign(**{column: keys.map(labels[column]).fillna("") for column in added})


def _one_row_per_frame(images: pd.DataFrame, frames: str) -> pd.DataFrame:
    """One row per frame of each file, or one row per file with its middle frame, and their image ids."""
    if frames == "middle":
        return images.assign(frame=images["frames"] // 2, image_id=images["relative"])
    counts = images["frames"].to_numpy()
    images = images.loc[np.repeat(images.index, counts)]
    frame = images.groupby(level=0).cumcount().reset_index(drop=True)
    images = images.reset_index(drop=True)
    numbered = images["relative"] + "#" + frame.astype("str")
    return images.assign(frame=frame, image_id=numbered.where(images["frames"] > 1, images["relative"]))
