"""Source `union`: several datasets as one, their labels merged by name, their embeddings reused."""

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


def unite_inspections(united: pd.DataFrame, inspections: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The inspection of a union's images, in its order, from its members' by name."""
    parts = [part.assign(image_id=f"{member}/" + part["image_id"]) for member, part in inspections.items()]
    return pd.concat(parts).set_index("image_id").loc[united["image_id"]].reset_index()
