"""Splits: which images are in the index (train), which tune (val), and which ask (test); no patient on both sides."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT, SPLITS
from cbir.errors import InputError, listing


def split_patients(manifest: pd.DataFrame, shares: dict[str, float], seed: int) -> pd.Series:
    """A split for each image, every patient's images together, each label in the shares as far as patients allow.

    manifest: rows with `patient_id` and `label`. shares: split name to share of the images. A patient counts for the
    label of its images that the fewest patients have; the label's patients, in random order, go one by one to the split
    that lacks most of its share, the first to train and the second to test so that the label can be searched for.
    Returns the split names, indexed as the manifest.
    """
    label = manifest["label"].astype("category").cat.codes.to_numpy()
    patient, patients = pd.factorize(manifest["patient_id"])
    pairs = pd.DataFrame({"patient": patient, "label": label}).drop_duplicates()
    frequency = pairs["label"].value_counts()
    rarest = (
        pairs.assign(frequency=pairs["label"].map(frequency))
        .sort_values(["patient", "frequency", "label"])
        .drop_duplicates("patient")["label"]
        .to_numpy()
    )
    images = np.bincount(patient, minlength=len(patients))
    order = np.lexsort([np.random.default_rng(seed).permutation(len(patients)), rarest])
    names = [name for name in SPLITS if shares.get(name, 0) > 0]
    share = [shares[name] / sum(shares[name] for name in names) for name in names]
    chosen = np.empty(len(patients), dtype=np.int8)
    held = [0] * len(names)
    current, placed = -1, 0
    for one in order.tolist():
        if rarest[one] != current:
            current, placed, held = rarest[one], 0, [0] * len(names)
        size = int(images[one])
        total = sum(held) + size
        lacking = [part * total - has for part, has in zip(share, held, strict=True)]
        if placed < 2 and len(names) > 1:
            target = names.index("train") if placed == 0 else len(names) - 1
        else:
            target = lacking.index(max(lacking))
        chosen[one] = target
        held[target] += size
        placed += 1
    return pd.Series(np.array(names)[chosen[patient]], index=manifest.index, dtype="str")


def assign_splits(manifest: pd.DataFrame, shares: dict[str, float], seed: int, dataset: str) -> pd.DataFrame:
    """The manifest with a split for every image: official ones stand, open ones are filled patient-disjoint.

    `split` may be empty in all rows (divided by `shares`), or name official splits, with "trainval" where the official
    list leaves train against val open (divided by their shares). Raises InputError for a manifest split in part, and
    for labels of a single image, which cannot be both in the index and asked for.
    """
    split = manifest["split"]
    if (split == "").all():
        counts = manifest["label"].value_counts()
        single = sorted(counts.index[counts == 1])
        if single:
            raise InputError(
                f"dataset {dataset}: {len(single)} labels have one image, which cannot be both in the index and a "
                f"query; merge them, add images, or set datasets.{dataset}.min_per_label: 2 to leave them out:"
                f"{listing(single)}"
            )
        return manifest.assign(split=split_patients(manifest, shares, seed))
    if (split == "").any():
        ids = manifest.loc[split == "", "image_id"]
        raise InputError(
            f"dataset {dataset}: {len(ids)} images have no split and the others have; give all or none:{listing(ids)}"
        )
    open_rows = manifest[split == OPEN_SPLIT]
    if len(open_rows):
        inner = {name: shares.get(name, 0) for name in ("train", "val")}
        split = split.where(split != OPEN_SPLIT, split_patients(open_rows, inner, seed).reindex(manifest.index))
    return manifest.assign(split=split)
