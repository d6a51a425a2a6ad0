"""Unions: the rows of the members' embeddings that make up the embeddings of a union."""

import numpy as np
import pandas as pd

from cbir.errors import InputError


def member_rows(united: pd.DataFrame, manifests: dict[str, pd.DataFrame]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The rows of the members' embeddings that the rows of a union are.

    united: the manifest of the union, whole or after some rows were left out. manifests: the manifests of the members
    by name, with one row per embedding. Returns, for each member, (n,) int64 rows of the union, increasing, and (n,)
    int64 rows of the member. Raises InputError if an image of the union is in no member.

    >>> members = {"a": pd.DataFrame({"image_id": ["1", "2"]}), "b": pd.DataFrame({"image_id": ["1"]})}
    >>> rows = member_rows(pd.DataFrame({"image_id": ["a/2", "b/1"]}), members)
    >>> {member: (here.tolist(), there.tolist()) for member, (here, there) in rows.items()}
    {'a': ([0], [1]), 'b': ([1], [0])}
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
            f"{len(united) - found} images of the union are in no manifest of its members; the members have changed; "
            "make the union again"
        )
    return rows
