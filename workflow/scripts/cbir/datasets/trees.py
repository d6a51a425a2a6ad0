"""The states of many files: those of a list, and those below a folder. Imports nothing but the standard library."""

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from cbir.blocks import blocks
from cbir.files import whole_file
from cbir.images.file_states import file_state

READERS = 8  # threads that ask for states; several threads hide the delay of a file server
CHUNK = 1024  # files that a thread asks for at a time


def list_tree(root: str | Path) -> dict[str, str]:
    """The state of every file below a folder, by its path relative to it. Links to folders are followed once."""
    paths, seen = [], set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        paths += [os.path.join(folder, name) for name in names]  # noqa: PTH118  faster than Path
    states = read_states(paths)
    start = len(os.path.join(root, ""))  # noqa: PTH118
    return {path[start:]: states[path] for path in sorted(states)}


def write_states(states: dict[str, str], path: str | Path, unreadable: Iterable[str] = ()) -> None:
    """Write the states of files, by their paths, and the paths of unreadable images, as JSON."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps({"states": states, "unreadable": sorted(set(unreadable))}), encoding="utf-8")


def load_states(path: str | Path) -> tuple[dict[str, str], list[str]] | None:
    """What write_states wrote; None where the file is missing or damaged."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        return found["states"], found["unreadable"]
    except (OSError, ValueError, KeyError):
        return None


def read_states(paths: list[str]) -> dict[str, str]:
    """The state of each file, by its path; empty where there is no file."""
    parts = [paths[block] for block in blocks(len(paths), CHUNK)]
    with ThreadPoolExecutor(READERS) as readers:
        states = readers.map(lambda part: [file_state(path) for path in part], parts)
        return dict(zip(paths, chain.from_iterable(states), strict=True))
