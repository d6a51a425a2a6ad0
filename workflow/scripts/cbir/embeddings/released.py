"""Released embeddings: the vectors that the study's authors published, in the order of a manifest."""

import logging
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.embeddings.files import create_embeddings, find_unnormalized
from cbir.errors import InputError, listing

log = logging.getLogger(__name__)

# embeddings read and written at a time; 64 MB at 4,096 dimensions
BLOCK = 4096


def import_embeddings(manifest: pd.DataFrame, folder: str | Path, model: str, output: str | Path) -> np.ndarray:
    """Write the released embeddings of a manifest's images: float32 (n, d) of unit norm, row i is image i.

    manifest: column `path` is `<dataset>.h5/<filepath>`, as the source `released` gives it. folder: holds the files
    `<model>/<dataset>.h5`, each with one HDF5 dataset (d,) per image, named by its filepath. A vector of another norm
    is scaled to norm 1.

    Returns the norms that the vectors were released with, (n,) float32. They are 1 for vectors that were not scaled, so
    that a vector times its norm is the released one. Raises InputError that names the missing files, or that lists the
    images whose vector is missing, has another dimension, is zero or is not finite.
    """
    location = manifest["path"].str.extract(r"^(?P<file>[^/]+\.h5)/(?P<name>.*)$")
    files = {name: Path(folder, model, name).expanduser() for name in sorted(location["file"].unique())}
    missing = [path for path in files.values() if not path.is_file()]
    if missing:
        raise InputError(f"model {model}: files of its released embeddings are missing; add them:{listing(missing)}")
    dimensions = _find_dimensions(next(iter(files.values())))
    problems: list[str] = []
    norms = np.ones(len(manifest), np.float32)
    with create_embeddings(output, len(manifest), dimensions) as embeddings:
        for source, rows in location.groupby("file").indices.items():
            with _open_file(files[source]) as file:
                for part in blocks(len(rows), BLOCK):
                    block = rows[part]
                    vectors = _read_vectors(file, location["name"].iloc[block], dimensions, problems)
                    foreign = find_unnormalized(vectors)  # all other vectors stay exactly as released
                    foreign_norms = np.linalg.norm(vectors[foreign].astype(np.float64), axis=1)
                    vectors[foreign] /= foreign_norms[:, None]
                    embeddings[block], norms[block[foreign]] = vectors, foreign_norms
        if problems:
            raise InputError(
                f"model {model}: {len(problems)} images without a usable embedding in {Path(folder, model)}; "
                f"complete the files, or take the images out of the tables:{listing(problems)}"
            )
    scaled = np.count_nonzero(norms != 1)
    log.info("%d embeddings of %d dimensions, %d of them scaled to unit norm", len(manifest), dimensions, scaled)
    return norms


def _open_file(path: Path) -> h5py.File:
    try:
        return h5py.File(path)
    except OSError as error:
        raise InputError(f"{path}: not an HDF5 file, or a truncated one ({error}); get it again") from error


def _find_dimensions(path: Path) -> int:
    """The length of the first vector in a file. Raises InputError for a file without vectors."""
    with _open_file(path) as file:
        dimensions = file.visititems(lambda _, item: item.size if isinstance(item, h5py.Dataset) else None)
    if not dimensions:
        raise InputError(f"{path}: no vector in it; get it again")
    return dimensions


def _read_vectors(file: h5py.File, names: Sequence[str], dimensions: int, problems: list[str]) -> np.ndarray:
    """The vectors of the named images, (images, dimensions) float32.

    One line for each unusable vector is added to `problems`; ones are returned in its place.
    """
    vectors = np.ones((len(names), dimensions), np.float32)
    for vector, name in zip(vectors, names, strict=True):
        try:
            stored = h5py.h5d.open(file.id, name.encode())  # three times as fast as file[name]
        except KeyError:
            problems.append(f"{name}: not in {Path(file.filename).name}")
            continue
        if stored.shape != (dimensions,):
            problems.append(f"{name}: shape {stored.shape}, others have ({dimensions},)")
            continue
        stored.read(h5py.h5s.ALL, h5py.h5s.ALL, vector)
        if not (np.isfinite(vector).all() and vector.any()):
            problems.append(f"{name}: zero or not finite")
            vector[:] = 1
    return vectors
