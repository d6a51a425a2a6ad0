"""Splits of a dataset: train is the index, val is for tuning, test holds the queries. Drawn splits share no patient."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import OPEN_SPLIT, SPLITS
from cbir.errors import InputError, listing


def split_patients(manifest: pd.DataFrame, shares: dict[str, float], seed: int) -> pd.Series:
    """Draw a split for each image. All images of a patient are in one split, and each label is divided by the shares.

    Each patient counts for one label: of the labels of its images, the one that the fewest patients have. The patients
    of a label are placed one by one in random order. The first goes to train and the second to the last split (test),
    so that the label can be searched for; each other one goes to the split that is furthest below its share.

    manifest: rows with `patient_id` and `label`. shares: share of the images by name of the split; they need not add
    up to 1. Returns the names of the splits, indexed as the manifest.

    >>> images = pd.DataFrame({"patient_id": ["p1", "p1", "p2", "p3"], "label": "cyst"})
    >>> split_patients(images, {"train": 0.7, "test": 0.3}, seed=1).tolist()
    ['train', 'train', 'test', 'train']
    """
    names = [name for name in SPLITS if shares.get(name, 0) > 0]
    share = [shares[name] / sum(shares[name] for name in names) for name in names]
    label = manifest["label"].astype("category").cat.codes.to_numpy()
    patient, patients = pd.factorize(manifest["patient_id"])
    rarest = _rarest_labels(patient, label)
    images = np.bincount(patient, minlength=len(patients))
    order = np.lexsort([np.random.default_rng(seed).permutation(len(patients)), rarest])
    chosen = np.empty(len(patients), dtype=np.int8)
    for of_label in np.split(order, np.flatnonzero(np.diff(rarest[order])) + 1):
        chosen[of_label] = _divide(images[of_label].tolist(), share)
    return pd.Series(np.array(names)[chosen[patient]], index=manifest.index, dtype="str")


def _rarest_labels(patient: np.ndarray, label: np.ndarray) -> np.ndarray:
    """For each patient, the label of its images that the fewest patients have.

    patient, label: (images,) codes from 0. Returns (patients,) codes of labels.
    """
    pairs = pd.DataFrame({"patient": patient, "label": label}).drop_duplicates()
    pairs["patients"] = pairs["label"].map(pairs["label"].value_counts())
    pairs = pairs.sort_values(["patient", "patients", "label"])
    return pairs.drop_duplicates("patient")["label"].to_numpy()


def _divide(images: list[int], shares: list[float]) -> list[int]:
    """Place the patients of a label one by one, each in the split that is furthest below its share of the images.

    images: number of images of each patient. shares: share of each split; they add up to 1. The first patient goes to
    the first split and the second patient to the last. Returns the position of each patient's split.
    """
    chosen, held = [], [0] * len(shares)
    for position, size in enumerate(images):
        total = sum(held) + size
        missing = [share * total - has for share, has in zip(shares, held, strict=True)]
        split = (0, len(shares) - 1)[position] if position < 2 else missing.index(max(missing))
        chosen.append(split)
        held[split] += size
    return chosen


def assign_splits(manifest: pd.DataFrame, shares: dict[str, float], seed: int, dataset: str) -> pd.DataFrame:
    """Give each image of a manifest a split. Official splits stand.

    In the manifest, `split` is either empty in all rows or set in all rows. Empty ones are drawn by `shares`. Images
    with the split "trainval", for which the official list does not say whether they are train or val, are divided
    between the two by their shares. No patient is in two of the splits drawn here; official splits can share patients.

    Raises InputError where only some images have a split. Where splits are drawn, also raises InputError for labels of
    a single image, which cannot be both in the index and a query.
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
