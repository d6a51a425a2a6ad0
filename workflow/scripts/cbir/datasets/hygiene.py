"""Images that are left out of a dataset, and why: unreadable files, rare labels, repeats and patients of queries."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cbir.datasets.near_duplicates import find_near_copies
from cbir.datasets.splits import assign_splits
from cbir.errors import InputError, listing

LEFT_OUT = ["image_id", "label", "patient_id", "split", "reason"]
# the reason of an image in the table of left-out images, by the column of the table of counts
REASONS = {
    "left_out_unreadable": "unreadable",
    "left_out_rare_label": "rare label",
    "left_out_repeats": "same pixels as a query",
    "left_out_near_copies": "near copy of a query",
    "left_out_query_patients": "patient of a query",
}


def prepare_dataset(
    manifest: pd.DataFrame,
    inspection: pd.DataFrame,
    fingerprints: Sequence[str | Path],
    dataset: str,
    *,
    shares: dict[str, float],
    min_per_label: int,
    unreadable: str,
    duplicates: str,
    near_duplicates: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a dataset into splits and leave out the images that must not be in the experiment.

    manifest: made by `complete_manifest`. inspection: `image_id, readable, reason, pixel_hash` of the same images.
    fingerprints: the files of their fingerprints; none where the pixels are unknown.
    shares: share of the images in each split, by its name. min_per_label: a label with fewer images is left out.
    unreadable: "fail" or "drop". duplicates, near_duplicates: "report" or "drop".

    Returns the manifest with splits, and one row with the columns LEFT_OUT for each image left out. Raises InputError
    for unreadable images (all are listed), for splits that `assign_splits` refuses, and for an empty index or an empty
    set of queries.
    """
    unread = ~_find_readable(manifest, inspection, dataset, unreadable)
    images, unreadable_rows = leave_out(manifest, unread, "unreadable")
    images, rare_rows = leave_out_rare_labels(images, min_per_label)
    images = assign_splits(images, shares, seed, dataset)
    images, cleaned_rows = clean_splits(
        images,
        inspection,
        fingerprints,
        dataset,
        min_per_label=min_per_label,
        duplicates=duplicates,
        near_duplicates=near_duplicates,
    )
    return images, pd.concat([unreadable_rows, rare_rows, cleaned_rows], ignore_index=True)


def clean_splits(
    images: pd.DataFrame,
    inspection: pd.DataFrame,
    fingerprints: Sequence[str | Path],
    dataset: str,
    *,
    min_per_label: int,
    duplicates: str,
    near_duplicates: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out index images that repeat a query or show its patient on request, then labels rare in the index.

    images: a manifest whose images all have a split. inspection, fingerprints: as in `prepare_dataset`. duplicates:
    "drop" leaves out the repeats and the patients of queries; "report" keeps them. near_duplicates: "drop" leaves out
    the near copies of queries; "report" keeps them. min_per_label: a label with fewer images in the index is left out
    of every split.

    Returns the cleaned manifest, and one row with the columns LEFT_OUT for each image left out. Raises InputError where
    no image is left in the index or among the queries.
    """
    left_out = []
    if duplicates == "drop":
        images, repeats = leave_out(images, repeats_query(images, inspection), "same pixels as a query")
        images, patients = leave_out(images, shares_patient(images), "patient of a query")
        left_out = [repeats, patients]
    if near_duplicates == "drop":
        found = nearly_repeats_query(images, inspection, fingerprints)
        images, copies = leave_out(images, found, "near copy of a query")
        left_out.append(copies)
    images, rare = leave_out_rare_labels(images, min_per_label, counted=images["split"] == "train")
    for split in ("train", "test"):
        if not (images["split"] == split).any():
            raise InputError(
                f"dataset {dataset}: no image is left in the split {split}; see its split and min_per_label"
            )
    return images.reset_index(drop=True), pd.concat([*left_out, rare], ignore_index=True)


def leave_out_rare_labels(
    images: pd.DataFrame, min_per_label: int, counted: pd.Series | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out all images of labels that fewer than `min_per_label` images have.

    counted: (images,) bool, the images that count towards a label; all of them by default. Returns the other images,
    and one row with the columns LEFT_OUT for each image left out.
    """
    labels = images["label"] if counted is None else images.loc[counted, "label"]
    count = images["label"].map(labels.value_counts()).fillna(0)
    return leave_out(images, count < min_per_label, "rare label")


def leave_out(images: pd.DataFrame, found: pd.Series, reason: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a manifest in two: the images that stay, and the columns LEFT_OUT of those in `found`.

    found: (images,) bool, indexed as `images`.
    """
    return images[~found], images[found].assign(reason=reason)[LEFT_OUT]


def _find_readable(manifest: pd.DataFrame, inspection: pd.DataFrame, dataset: str, unreadable: str) -> pd.Series:
    """Whether each image could be decoded. Where `unreadable` is "fail", raises InputError for those that could not."""
    inspection = inspection.set_index("image_id").loc[manifest["image_id"]].set_axis(manifest.index)
    readable = inspection["readable"]
    if unreadable == "fail" and not readable.all():
        paths, reasons = manifest.loc[~readable, "path"], inspection.loc[~readable, "reason"]
        raise InputError(
            f"dataset {dataset}: {len(paths)} of {len(manifest)} images cannot be read; fix them, or set "
            f"unreadable: drop to go on without them:{listing(paths + ': ' + reasons)}"
        )
    return readable


def take_as_readable(manifest: pd.DataFrame) -> pd.DataFrame:
    """Inspection of a dataset that has embeddings but no image files: all readable, with unknown (empty) hashes.

    >>> take_as_readable(pd.DataFrame({"image_id": ["a", "b"]})).to_dict("records")[0]
    {'image_id': 'a', 'readable': True, 'reason': '', 'pixel_hash': ''}
    """
    return pd.DataFrame({"image_id": manifest["image_id"], "readable": True, "reason": "", "pixel_hash": ""})


def repeats_query(images: pd.DataFrame, inspection: pd.DataFrame) -> pd.Series:
    """Whether each index image has the same pixels as a query.

    False for images of other splits and for images with an unknown (empty) hash.

    >>> images = pd.DataFrame({"image_id": ["a", "b", "q"], "split": ["train", "train", "test"]})
    >>> inspection = pd.DataFrame({"image_id": ["a", "b", "q"], "pixel_hash": ["1f", "2e", "2e"]})
    >>> repeats_query(images, inspection).tolist()
    [False, True, False]
    """
    hashes = images["image_id"].map(inspection.set_index("image_id")["pixel_hash"])
    query_hashes = hashes[images["split"] == "test"].unique()
    return (images["split"] == "train") & hashes.isin(query_hashes) & (hashes != "")


def nearly_repeats_query(
    images: pd.DataFrame, inspection: pd.DataFrame, fingerprints: Sequence[str | Path]
) -> pd.Series:
    """Whether each index image is a near copy of a query, as `find_near_copies` says, but has not the pixels of one.

    fingerprints: the files of the images' fingerprints. False for images of other splits, and for all images where
    there is no file.
    """
    hashes = images["image_id"].map(inspection.set_index("image_id")["pixel_hash"])
    in_index = images["split"] == "train"
    copies = find_near_copies(fingerprints, set(hashes[in_index]), set(hashes[images["split"] == "test"]))
    return in_index & hashes.isin(copies)


def shares_patient(images: pd.DataFrame) -> pd.Series:
    """Whether each index image shows a patient who is also among the queries. This occurs in official splits only.

    >>> shares_patient(pd.DataFrame({"patient_id": ["p1", "p2", "p2"], "split": ["train", "train", "test"]})).tolist()
    [False, True, False]
    """
    query_patients = images.loc[images["split"] == "test", "patient_id"].unique()
    return (images["split"] == "train") & images["patient_id"].isin(query_patients)


def count_splits(
    images: pd.DataFrame,
    left_out: pd.DataFrame,
    inspection: pd.DataFrame,
    fingerprints: Sequence[str | Path],
    by_source: pd.DataFrame,
    dataset: str,
) -> pd.DataFrame:
    """Count the images, patients and labels of each split, the suspect images in it, and the images left out of it.

    images, left_out: as `prepare_dataset` returns them. inspection, fingerprints: as `prepare_dataset` takes them.
    by_source: `reason, images`, the number of images that the dataset's source left out for each reason, such as
    several findings in one image; without rows for a union.

    Returns one row per split. Images left out before the splits were drawn are counted in a row "not split", which is
    absent where there are none.
    """
    suspects = {
        "repeats_of_queries": repeats_query(images, inspection),
        "near_copies_of_queries": nearly_repeats_query(images, inspection, fingerprints),
        "images_of_query_patients": shares_patient(images),
    }
    rows = []
    for split in ("train", "val", "test", ""):
        kept, out = images["split"] == split, left_out[left_out["split"] == split]
        rows.append(
            {
                "dataset": dataset,
                "split": split or "not split",
                "images": int(kept.sum()),
                "patients": images.loc[kept, "patient_id"].nunique(),
                "labels": images.loc[kept, "label"].nunique(),
                **{column: int((found & kept).sum()) for column, found in suspects.items()},
                **{column: int((out["reason"] == reason).sum()) for column, reason in REASONS.items()},
                "left_out_by_source": 0 if split else int(by_source["images"].sum()),
            }
        )
    counts = pd.DataFrame(rows)
    return counts[(counts["split"] != "not split") | (counts.filter(like="left_out").sum(axis=1) > 0)]
