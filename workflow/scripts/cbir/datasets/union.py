"""Source `union`: several datasets as one. Labels of the same name are merged, and the members' splits stand."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cbir.datasets.hygiene import clean_splits, leave_out_rare_labels, take_as_readable
from cbir.datasets.manifest import complete_manifest
from cbir.errors import InputError


def unite_datasets(
    dataset: str,
    manifests: dict[str, pd.DataFrame],
    inspections: dict[str, pd.DataFrame],
    fingerprints: Sequence[str | Path],
    *,
    min_per_label: int,
    duplicates: str,
    near_duplicates: str,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Unite finished datasets, and leave out what their union must not hold.

    An image of one member can repeat a query of another, and a label that is rare in each member can be frequent in the
    union. The cleaning is therefore that of `prepare_dataset`, on the united images.

    manifests: the members' manifests with their splits, by name. inspections: the members' inspections by name; empty
    for members without image files. fingerprints: the members' files of fingerprints, of all or of none.
    min_per_label, duplicates, near_duplicates: as in `prepare_dataset`.

    Returns the manifest of the union, one row for each image left out (`image_id, label, patient_id, split, reason`),
    and the inspection of all united images. Raises InputError for fewer than two members, and where no image is left
    in the index or among the queries.
    """
    united = unite_manifests(dataset, manifests)
    inspection = unite_inspections(united, inspections) if inspections else take_as_readable(united)
    images, rare = leave_out_rare_labels(united, min_per_label)
    images, cleaned = clean_splits(
        images,
        inspection,
        fingerprints,
        dataset,
        min_per_label=min_per_label,
        duplicates=duplicates,
        near_duplicates=near_duplicates,
    )
    return images, pd.concat([rare, cleaned], ignore_index=True), inspection


def unite_manifests(dataset: str, manifests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of the members' manifests in one manifest, sorted by `image_id`; the splits stand.

    manifests: the members' manifests by name. Members may use the same ids, so the `image_id` and the `patient_id` of
    each row begin with the member's name and a slash. Raises InputError for fewer than two members.
    """
    if len(manifests) < 2:
        raise InputError(f"dataset {dataset}: a union has two members or more; list them in datasets.{dataset}.members")
    parts = [
        manifest.assign(image_id=f"{member}/" + manifest["image_id"], patient_id=f"{member}/" + manifest["patient_id"])
        for member, manifest in manifests.items()
    ]
    united = pd.concat(parts, ignore_index=True)
    united.attrs = {}
    return complete_manifest(united, dataset)


def unite_inspections(united: pd.DataFrame, inspections: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The inspections of the images of a union, in the order of its manifest.

    united: the manifest of the union. inspections: the members' inspections by name.
    """
    parts = [part.assign(image_id=f"{member}/" + part["image_id"]) for member, part in inspections.items()]
    return pd.concat(parts).set_index("image_id").loc[united["image_id"]].reset_index()
