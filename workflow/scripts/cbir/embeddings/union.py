"""The embeddings of a union: which rows of its members' embeddings they are."""

import numpy as np
import pandas as pd

from cbir.errors import InputError


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
