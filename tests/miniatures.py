"""Miniature datasets on disk, for the tests of the adapters."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import complete_manifest


def write_files(root: Path, files: dict[str, str]) -> Path:
    """Write text files, by their path below root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def touch_files(root: Path, *names: str) -> Path:
    """Make empty files; an adapter looks at no pixels."""
    return write_files(root, dict.fromkeys(names, ""))


def read_manifest_of(read, root: Path, **options) -> pd.DataFrame:
    """The completed manifest that an adapter makes of the dataset at root."""
    return complete_manifest(read("mini", {"root": str(root), "check_files": True} | options), "mini")


def rows(manifest: pd.DataFrame, *columns: str) -> list[tuple]:
    """The columns, a tuple a row."""
    return list(manifest[list(columns)].itertuples(index=False, name=None))
