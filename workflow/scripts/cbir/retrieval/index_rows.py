"""Index rows: the images of the index split that an index of a given size holds, the same for every model."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.errors import InputError, listing
from cbir.files import set_aside, whole_file


def sample_rows(
    label: np.ndarray, split: np.ndarray, size: str, generator: np.random.Generator, stratify: bool
) -> np.ndarray:
    """The manifest rows of an index of this size, (n,) int64, ascending.

    label, split: (images,) of a manifest. size: "100" images, "10pct" of the index split, "5-per-label", or "full".
    generator: pass a freshly seeded generator for every size. All sizes of a draw then use the same random order, so a
    smaller index is always a subset of a larger one of the same kind. stratify: keep the labels in proportion. Raises
    InputError where the index split is too small.

    >>> label, split = np.array(["a", "a", "b", "b", "b"]), np.array(["train", "train", "train", "train", "test"])
    >>> sample_rows(label, split, "2-per-label", np.random.default_rng(0), stratify=False)
    array([0, 1, 2, 3])
    """
    rows = np.flatnonzero(np.asarray(split) == "train")
    problem = oversized(size, label[rows])
    if problem:
        raise InputError(problem)
    rank, codes = _rank_in_label(label[rows], generator)
    per_label = re.fullmatch(r"(\d+)-per-label", size)
    if per_label:
        return rows[rank < int(per_label[1])]
    if stratify:
        shift = generator.random(codes.max() + 1)
        place = (rank + shift[codes]) / np.bincount(codes)[codes]
    else:
        place = generator.random(len(rows))
    return np.sort(rows[np.argsort(place, kind="stable")[: images_of(size, len(rows))]])


def _rank_in_label(label: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each image its place in a random order of the images with its label, and the code of the label."""
    codes, _ = pd.factorize(label, sort=True)
    order = np.lexsort([generator.random(len(codes)), codes])
    first = np.concatenate([[0], np.cumsum(np.bincount(codes))[:-1]])
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes)) - first[codes[order]]
    return rank, codes


def images_of(size: str, available: int) -> int:
    """Number of images that a size takes from `available` ones, at least 1. Not for sizes per label.

    >>> [images_of(size, 250) for size in ("full", "10pct", "0.1pct", "40")]
    [250, 25, 1, 40]
    """
    if size == "full":
        return available
    if size.endswith("pct"):
        return max(1, round(available * float(size.removesuffix("pct")) / 100))
    return int(size)


def oversized(size: str, label: np.ndarray) -> str:
    """The reason why an index split cannot give a size, with the largest possible size; "" where it can.

    label: (images,) labels of the index split.

    >>> oversized("5", np.array(["a", "b"]))
    'index_sizes: 5 is more than the index split has; the largest possible is 2'
    """
    if size.endswith("-per-label"):
        counts = pd.Series(label).value_counts()
        if counts.min() < int(size.removesuffix("-per-label")):
            return (
                f"index_sizes: {size} is more than the {counts.min()} images of {counts.idxmin()} in the index split; "
                f"the largest possible is {counts.min()}-per-label, or more where min_per_label leaves rare labels out"
            )
    elif images_of(size, len(label)) > len(label):
        return f"index_sizes: {size} is more than the index split has; the largest possible is {len(label)}"
    return ""


def check_sizes(label: np.ndarray, split: np.ndarray, sizes: Sequence[str], k: int, dataset: str) -> None:
    """Check the sizes of all indexes of a dataset, and that none holds fewer than k images.

    label, split: (images,) of a manifest. Raises InputError that names all problems at once.
    """
    held = np.asarray(label)[np.asarray(split) == "train"]
    problems = [problem for size in sizes if (problem := oversized(size, held))]
    if not problems:
        for size in sizes:
            per_label = size.endswith("-per-label")
            n = len(np.unique(held)) * int(size.split("-")[0]) if per_label else images_of(size, len(held))
            if n < k:
                problems.append(
                    f"search.k: {k} is more than the {n} images of an index of size {size}; set k to {n} or less"
                )
    if problems:
        raise InputError(f"dataset {dataset}:{listing(problems)}")


def draw_generator(seed: int, dataset: str, draw: int) -> np.random.Generator:
    """The generator of a draw. It depends on the seed, the name of the dataset and the number of the draw only.

    >>> draw_generator(0, "mine", draw=2).integers(100) == draw_generator(0, "mine", draw=2).integers(100)
    np.True_
    """
    name = int.from_bytes(hashlib.sha256(dataset.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, name, draw])


def write_rows(rows: np.ndarray, path: str | Path) -> None:
    """Write index rows, (n,) int64, to a .npy file."""
    with whole_file(path) as partial:
        np.save(partial, rows)


def read_rows(path: str | Path) -> np.ndarray:
    """Read the index rows that write_rows wrote, (n,) int64. A damaged file is set aside, and InputError is raised."""
    try:
        rows = np.load(path)
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # numpy raises many kinds for a damaged file
        raise set_aside(path, f"not a complete file of index rows ({error})") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 1 or rows.dtype != np.int64:
        raise set_aside(path, "not a file of index rows, which are int64 numbers in one dimension")
    return rows
