"""Source `union`: several datasets as one, their labels merged by name, their embeddings reused."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import complete_manifest
from cbir.errors import InputError


def unite_manifests(dataset: str, manifests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The manifest of a union from its members' by name; splits stand as they are.

    `image_id` and `patient_id` begin with the member's name and a slash: members may use the same ones. Raises
    InputError where fewer than two members are given.
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


def member_rows(united: pd.DataFrame, manifests: dict[str, pd.DataFrame]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Where the rows of a union come from, to take their embeddings from the members'.

    united: the manifest of the union, whole or without the rows that were left out since. manifests: the members',
    with the rows that their embeddings have. Returns, by member, (n,) int64 rows of the union, rising, and (n,) int64
    rows of the member. Raises InputError where an image of the union is in no member.
    """
    members = united["image_id"].str.extract("^([^/]+)/", expand=False)
    rows = {}
    for member, manifest in manifests.items():
        here = np.flatnonzero(members == member)
        ids = united["image_id"].iloc[here].str.slice(len(member) + 1)
        there = pd.Index(manifest["image_id"]).get_indexer(ids)
        rows[member] = here, there.astype(np.int64)
    found = sum((there >= 0).sum() for _, there in rows.values())
    if found < len(united):
        raise InputError(
            f"{len(united) - found} images of the union are in no manifest of its members; the members have changed "
            "since, make the union again"
        )
    return rows


def unite_inspections(united: pd.DataFrame, inspections: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The inspection of a union's images, in its order, from its members' by name."""
    parts = [part.assign(image_id=f"{member}/" + part["image_id"]) for member, part in inspections.items()]
    return pd.concat(parts).set_index("image_id").loc[united["image_id"]].reset_index()
