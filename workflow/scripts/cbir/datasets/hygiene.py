"""Hygiene: what must not be counted among the images, or not in silence, when a dataset becomes an experiment."""

import pandas as pd

from cbir.datasets.splits import assign_splits
from cbir.errors import InputError, listing

LEFT_OUT = ["image_id", "label", "patient_id", "split", "reason"]


def prepare_dataset(
    manifest: pd.DataFrame,
    inspection: pd.DataFrame,
    dataset: str,
    *,
    shares: dict[str, float],
    min_per_label: int,
    unreadable: str,
    duplicates: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The manifest with splits and without what the experiment leaves out, and a row for each image left out.

    manifest: as `complete_manifest` made it. inspection: `image_id, readable, reason, pixel_hash`.
    unreadable: "fail" or "drop". duplicates: "report" or "drop". Returns (manifest, left out with LEFT_OUT columns).
    Raises InputError that lists all unreadable images, or what `cbir.datasets.splits.assign_splits` refuses.
    """
    readable = _readable(manifest, inspection, dataset, unreadable)
    parts = [_left_out(manifest[~readable], "unreadable")]
    images = manifest[readable]

    enough = images["label"].map(images["label"].value_counts()) >= min_per_label
    parts.append(_left_out(images[~enough], "rare label"))
    images = assign_splits(images[enough], shares, seed, dataset)

    if duplicates == "drop":
        for reason, found in (
            ("same pixels as a query", repeats_query(images, inspection)),
            ("patient of a query", shares_patient(images)),
        ):
            found = found.reindex(images.index)
            parts.append(_left_out(images[found], reason))
            images = images[~found]

    indexed = images.loc[images["split"] == "train", "label"].value_counts()
    enough = images["label"].map(indexed).fillna(0) >= min_per_label
    parts.append(_left_out(images[~enough], "rare label"))
    images = images[enough]

    for split in ("train", "test"):
        if not (images["split"] == split).any():
            raise InputError(
                f"dataset {dataset}: no image is left in the split {split}; see its split and min_per_label"
            )
    return images.reset_index(drop=True), pd.concat(parts, ignore_index=True)


def _readable(manifest: pd.DataFrame, inspection: pd.DataFrame, dataset: str, unreadable: str) -> pd.Series:
    inspection = inspection.set_index("image_id").loc[manifest["image_id"]]
    readable = pd.Series(inspection["readable"].to_numpy(), index=manifest.index)
    if unreadable == "fail" and not readable.all():
        bad = [
            f"{path}: {reason}"
            for path, reason in zip(
                manifest.loc[~readable, "path"], inspection["reason"][~readable.to_numpy()], strict=True
            )
        ]
        raise InputError(
            f"dataset {dataset}: {len(bad)} of {len(manifest)} images cannot be read; mend them, or set "
            f"unreadable: drop to go on without them:{listing(bad)}"
        )
    return readable


def _left_out(images: pd.DataFrame, reason: str) -> pd.DataFrame:
    return images.assign(reason=reason)[LEFT_OUT]


def take_as_readable(manifest: pd.DataFrame) -> pd.DataFrame:
    """The inspection of a dataset that has no images to inspect: all readable, their pixels unknown."""
    return pd.DataFrame({"image_id": manifest["image_id"], "readable": True, "reason": "", "pixel_hash": ""})


def repeats_query(images: pd.DataFrame, inspection: pd.DataFrame) -> pd.Series:
    """Whether each index image has the same pixels as some query; False for other splits and unknown pixels."""
    hashes = images["image_id"].map(inspection.set_index("image_id")["pixel_hash"])
    asked = hashes[images["split"] == "test"].unique()
    return (images["split"] == "train") & hashes.isin(asked) & (hashes != "")


def shares_patient(images: pd.DataFrame) -> pd.Series:
    """Whether each index image is of a patient that is also among the queries; only official splits have such."""
    asked = images.loc[images["split"] == "test", "patient_id"].unique()
    return (images["split"] == "train") & images["patient_id"].isin(asked)


def count_splits(
    images: pd.DataFrame, left_out: pd.DataFrame, inspection: pd.DataFrame, by_source: pd.DataFrame, dataset: str
) -> pd.DataFrame:
    """A row a split: images, patients, labels, what stayed in but is suspect, what was left out and why.

    images, left_out: as `prepare_dataset` returns them. by_source: `reason, images` that the adapter left out, such as
    images of several findings. What was left out before the splits were drawn stands in a row "not split".
    """
    suspects = {
        "repeats_of_queries": repeats_query(images, inspection),
        "images_of_query_patients": shares_patient(images),
    }
    reasons = {
        "left_out_unreadable": "unreadable",
        "left_out_rare_label": "rare label",
        "left_out_repeats": "same pixels as a query",
        "left_out_query_patients": "patient of a query",
    }
    rows = []
    for split in ("train", "val", "test", ""):
        held, out = images["split"] == split, left_out[left_out["split"] == split]
        rows.append(
            {
                "dataset": dataset,
                "split": split or "not split",
                "images": int(held.sum()),
                "patients": images.loc[held, "patient_id"].nunique(),
                "labels": images.loc[held, "label"].nunique(),
                **{name: int((found & held).sum()) for name, found in suspects.items()},
                **{name: int((out["reason"] == reason).sum()) for name, reason in reasons.items()},
                "left_out_by_source": 0 if split else int(by_source["images"].sum()),
            }
        )
    counts = pd.DataFrame(rows)
    return counts[(counts["split"] != "not split") | (counts.filter(like="left_out").sum(axis=1) > 0)]
