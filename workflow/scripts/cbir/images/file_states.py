"""The files of an image, and their state, which changes when a file is replaced. Imports nothing slow."""

import os
import re
from pathlib import Path

PAIR_NAME = re.compile(r"\.(hdr|img|HDR|IMG)(\.gz)?$")


def pair_files(path: str | Path) -> tuple[Path, Path] | None:
    """The paths of the header and of the voxels of a pair, from either path; None for a name that no pair has.

    >>> [str(file) for file in pair_files("brain.img.gz")]
    ['brain.hdr.gz', 'brain.img.gz']
    """
    name = PAIR_NAME.search(str(path))
    if not name:
        return None
    endings = ("hdr", "img") if name[1].islower() else ("HDR", "IMG")
    header, voxels = (Path(f"{str(path)[: name.start(1)]}{ending}{name[2] or ''}") for ending in endings)
    return header, voxels


def files_of(path: str | Path) -> tuple[Path, ...]:
    """The files that hold an image: both files of a pair where there are both, otherwise the path alone."""
    pair = pair_files(path)
    return pair if pair and all(file.is_file() for file in pair) else (Path(path),)


def file_state(path: str | Path) -> str:
    """The size and the time of change of a file, which differ when it was replaced; empty where there is no file.

    Where the file is one of a pair, those of both files.
    """
    try:
        states = [os.stat(file) for file in (files_of(path) if PAIR_NAME.search(str(path)) else (path,))]  # noqa: PTH116
    except OSError:
        return ""
    return "; ".join([f"{status.st_size} bytes, changed at {status.st_mtime_ns}" for status in states])
