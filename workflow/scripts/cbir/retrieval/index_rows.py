"""Index rows: which images of the index split an index of a given size holds, the same for every model."""

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
    """The manifest rows of an index of this size, ascending.

    label, split: (images,) of a manifest. size: "100" images, "10pct" of the index split, "5-per-label", or "full".
    generator: in the same state for every size of a draw, so that smaller sizes of a kind are subsets of larger ones.
    stratify: take the labels in proportion. Returns (n,) int64. Raises InputError where the split is too small.
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
    """Each image's place in a random order of its label's images, and the label's code."""
    codes, _ = pd.factorize(label, sort=True)
    order = np.lexsort([generator.random(len(codes)), codes])
    first = np.concatenate([[0], np.cumsum(np.bincount(codes))[:-1]])
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes)) - first[codes[order]]
    return rank, codes


def images_of(size: str, available: int) -> int:
    """How many of `available` images a size other than images a label takes; at least one."""
    if size == "full":
        return available
    if size.endswith("pct"):
        return max(1, round(available * float(size.removesuffix("pct")) / 100))
    return int(size)


def oversized(size: str, label: np.ndarray) -> str:
    """Why an index split with these labels cannot give this size, with the largest possible one; "" if it can."""
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
    """Refuse at once all sizes that the index split cannot give, and a k that is more than the smallest index."""
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
    """The generator of a draw: it depends on nothing but the seed, the dataset's name and the draw's number."""
    name = int.from_bytes(hashlib.sha256(dataset.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, name, draw])


def write_rows(rows: np.ndarray, path: str | Path) -> None:
    """Write the manifest rows of an index, (n,) int64, as npy."""
    with whole_file(path) as partial:
        np.save(partial, rows)


def read_rows(path: str | Path) -> np.ndarray:
    """Read the manifest rows of an index, (n,) int64. Raises InputError for a damaged file, which is set aside."""
    try:
        return np.load(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise set_aside(path, f"no complete index rows ({error})") from error
