"""Source `radimagenet`: RadImageNet, whose labels are in the paths of its images."""

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
from cbir.errors import InputError, listing

# Ultrasound classes name an organ without a finding, except for these: class -> (region, finding). As in Denner et al.
# 2025, "fibroid" is an organ.
ULTRASOUND = {"thyroid_nodule": ("thyroid", "nodule")}
FIELDS = (*LABEL_PARTS, "ultrasound")
LABELLED_PATH = (
    r"^(?:radiology_ai/)?(?:(?P<modality>CT|MR)/(?P<anatomic_region>[^/]+)/(?P<pathology>[^/]+)|US/(?P<ultrasound>[^/]+))"
    r"/[^/]+$"
)


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Read all images with a label from their path: a table with one row per image.

    Paths are such as `CT/lung/nodule/x.png`, `MR/knee/acl_pathology/x.png` and `US/gb/x.png`.

    options: `root`, `check_files`, and `ignore`, which is null or a text file, relative to root, that lists the images
    to leave out as the tables name them. The tables RadiologyAI_train.csv, RadiologyAI_val.csv and
    RadiologyAI_test.csv, and the folders of images CT/, MR/ and US/, are in root itself or in its folder radiology_ai/.

    The official splits are used; patients are not published. Raises InputError for missing files or columns and for
    paths without a label. Mei et al. 2022.

    Denner et al. 2025 count 161 labels in the union with the chest radiographs, which have 20. The paper on RadImageNet
    counts 165 labels of its own. The repository of Denner et al. has the list of the images that they ignored,
    scripts/prepare_datasets/RadImageNet/ignore_list.txt, which can be given as `ignore`. Whether 161 labels are left
    with it is unchecked, because the data are not at hand. No labels are merged here.
    """
    root = dataset_root(dataset, options)
    parts = []
    for split in ("train", "val", "test"):
        name = f"RadiologyAI_{split}.csv"
        table = label_file(root, [name, f"radiology_ai/{name}"], dataset)
        parts.append(read_csv(table, dataset, ["filename"]).assign(split=split))
    images = pd.concat(parts, ignore_index=True)
    images["filename"] = relative_paths(images["filename"], dataset)
    if options["ignore"]:
        ignored = read_lines(chosen_file(root, options, "ignore", dataset))
        images = keep_images(images, ~images["filename"].isin(ignored), "on the ignore list")

    images = images.assign(**_read_labels(images["filename"], dataset))
    below = "radiology_ai/" if (root / "radiology_ai").is_dir() else ""
    paths = below + images.pop("filename").str.removeprefix("radiology_ai/")
    if options["check_files"]:
        check_present(paths, root, dataset)
    return images.assign(image_id=paths, path=openable(paths, root))


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
