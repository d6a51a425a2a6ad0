"""Deletes what the runs of an experiment wrote, and nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cbir.runs.lock import LOCK, lock_results
from cbir.runs.record import RECORD

# what a run writes in its results folder
WRITTEN = (
    "analyses",
    "changes",
    "comparisons",
    "embeddings",
    "figures",
    "fingerprints",
    "index_rows",
    "indexes",
    "inspections",
    "logs",
    "manifests",
    "measures",
    "neighbors",
    "notes",
    "pages",
    "phantoms",
    "pixels",
    "predictions",
    "scores",
    "tables",
    "vectors",
    "report.html",
    RECORD,
    LOCK,
)
PLACEHOLDER = ".gitkeep"  # keeps the empty folder in git
ARGUMENTS = 500_000  # characters of file names in one command; Linux allows 2 MB of arguments


def clean_results(results: Path) -> tuple[list[str], list[str]]:
    """Delete what runs wrote in a results folder, and the folder itself if nothing else is in it.

    A folder of a known name that holds the results of another experiment stays. A link is deleted, the folder to which
    it leads is not. Returns the names of the deleted entries and of those that stay, both sorted. Raises InputError if
    a run is writing there.
    """
    if not results.is_dir():
        return [], []
    with lock_results(results):
        deleted = [name for name in WRITTEN if os.path.lexists(results / name) and not _has_experiment(results / name)]
        for name in deleted:
            _delete(results / name)
        for partial in results.glob(".*.partial*"):
            partial.unlink(missing_ok=True)
    left = sorted(path.name for path in results.iterdir())
    if not left and not results.is_symlink():
        results.rmdir()
    return sorted({*deleted} - {LOCK}), [name for name in left if name != PLACEHOLDER]


def list_outputs(results: Path) -> list[Path]:
    """The files and folders below a results folder of which Snakemake may have a record."""
    folders = [results / name for name in WRITTEN if name not in ("logs", "vectors")]
    return [
        path
        for folder in folders
        if folder.is_dir() and not _has_experiment(folder)
        for path in folder.glob("*" if folder.name == "phantoms" else "**/*")
    ]


def forget_outputs(outputs: Iterable[Path], directory: Path) -> None:
    """Delete the records that Snakemake has of files, in the folder in which it ran.

    Does nothing if Snakemake never ran there. Files of which it has no record are passed over.
    """
    if not (directory / ".snakemake").is_dir():
        return
    # an empty workflow, so that the experiment need not be valid any more
    command = [sys.executable, "-m", "snakemake", "--snakefile", os.devnull, "--nolock", "--cleanup-metadata"]
    for batch in _batches(map(str, outputs)):
        # Snakemake counts a file without a record as a failure, so its exit code says nothing.
        subprocess.run(
            [*command, *batch], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )


def _has_experiment(path: Path) -> bool:
    """Whether another experiment has its results below a folder."""
    return path.is_dir() and not path.is_symlink() and any(path.rglob(RECORD))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Lists of names that fit on a command line."""
    batch, size = [], 0
    for name in names:
        if batch and size + len(name) > ARGUMENTS:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += len(name) + 1
    if batch:
        yield batch
