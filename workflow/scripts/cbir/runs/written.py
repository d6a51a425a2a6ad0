"""What was written: the size of each file of a run, so that a file damaged since is found before it is read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cbir.errors import InputError, listing

RECORDS = ".sizes"  # a folder in the results: for each file there, a text file of the same name that holds its size


@contextmanager
def written_whole(paths: Iterable[str], results: Path) -> Iterator[None]:
    """Keep the sizes of the files under `results` that the body writes, once it has come to its end."""
    own = [path for path in map(Path, paths) if path.is_relative_to(results)]
    written = {path: results / RECORDS / path.relative_to(results) for path in own}
    for record in written.values():
        record.unlink(missing_ok=True)
    yield
    for path, record in written.items():
        record.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(record, f"{_size(path)}\n")


def _write_whole(record: Path, text: str) -> None:
    """Write a record that is there either whole or not at all, even where the disk is full."""
    partial = record.with_name(f"{record.name}.partial")
    try:
        partial.write_text(text)
        partial.replace(record)
    finally:
        partial.unlink(missing_ok=True)


def set_damaged_aside(results: Path) -> None:
    """Rename each file that no longer has the size it was written with, so that Snakemake finds it missing.

    Raises InputError that lists them.
    """
    damaged = []
    for record in sorted((results / RECORDS).rglob("*")):
        path = results / record.relative_to(results / RECORDS)
        if not path.exists() or record.is_dir():
            continue
        found, written = f"{_size(path)}\n", record.read_text()
        if found != written:
            path.replace(f"{path}.damaged")
            damaged.append(f"{path}: {found.strip()} bytes, but {written.strip()} when it was written")
    if damaged:
        raise InputError(
            "files were damaged since they were written; they are now *.damaged, and the same command makes them "
            f"anew:{listing(damaged)}"
        )


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
