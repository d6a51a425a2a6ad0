"""Weight files: where they are and whether they are the right ones."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from cbir.errors import InputError


def find_packaged_weights(weights: dict) -> Path:
    """The weight file inside an installed package, from a catalogue entry's `weights`; the package isn't imported."""
    spec = find_spec(weights["package"])
    if spec is None:
        raise InputError(f"no Python package {weights['package']}; install it, envs/embed.yaml pins it")
    return Path(spec.submodule_search_locations[0]) / weights["file"]


def check_weights(path: Path, expected: str | None) -> str:
    """The SHA-256 of a weight file. Raises InputError where the file is absent or not the expected one."""
    if not path.is_file():
        raise InputError(f"{path}: no such weights; run fetch_weights, or put the file there")
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if expected and actual != expected:
        raise InputError(f"{path}: SHA-256 {actual}, the catalogue says {expected}; delete the file and fetch it again")
    return actual
