"""Output files that are written whole or not at all, and what happens to one that is found damaged."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cbir.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the body ends, and is deleted when the body fails.

    The temporary name is unique to the process and keeps the suffix. A reader therefore never sees half a file, a full
    disk leaves nothing behind, and two processes that write the same file don't disturb each other.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder, "table.csv")) as partial:
    ...         _ = partial.write_text("k,value")
    ...     [path.name for path in Path(folder).iterdir()]
    ['table.csv']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{socket.gethostname()}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def delete_partial_files(folder: Path) -> None:
    """Delete the temporary files that killed processes have left in a folder, at any depth.

    A process that is still writing one of them ends with an error when it tries to rename it.
    """
    for partial in folder.rglob(".*.partial*"):
        partial.unlink(missing_ok=True)


def set_aside(path: str | Path, reason: object) -> InputError:
    """Rename a damaged intermediate file to `<name>.damaged`, and return the error that says so.

    Snakemake then finds the file missing, and the same command makes it again. Only for files that the workflow makes,
    never for a user's input. Raises ValueError for a folder, which no step writes as its result.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder, and only files are set aside")
    with suppress(FileNotFoundError):  # another job was faster
        path.replace(f"{path}.damaged")
    return InputError(
        f"{path}: {' '.join(str(reason).split())}. The file is now {path.name}.damaged; "
        "run the same command again to make it again"
    )
