"""Sources of images: each knows how one publisher, or one file format, lays out its images and labels.

A source `my-source` is two files in this folder, found by their name (a dash in the name is an underscore in the file):

- `my_source.py` has a function `read_images(dataset, options) -> pd.DataFrame`. `options` are the dataset's keys in the
  configuration, checked and with their defaults. The table has one row per image and the columns that
  `cbir.datasets.manifest.complete_manifest` asks for; its `attrs["left_out"]` counts the images left out, by reason.
  The function reads label files, folders and headers, but no pixels. Only `nifti` reads voxels, to find background.
- `my_source.yaml` has a `description` and the JSON schema of the source's options (`properties`, `required`). The
  shared options `#/$defs/root` and `#/$defs/check_files` are in workflow/schemas/config.schema.yaml. `tables` lists the
  options that name tables; without it, the tables in the root and in its folders are taken to list the images. With
  `images: tree` all files below the root do. A run looks at these files for changes.

Modules without such a description are helpers. `union` has a description only: its images are those of its members.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from cbir.errors import InputError, did_you_mean

FOLDER = Path(__file__).parent


def list_sources() -> list[str]:
    """Names of all sources, sorted.

    >>> [name for name in list_sources() if "-" in name]
    ['cbis-ddsm', 'mimic-cxr']
    """
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.yaml"))


def find_source(name: str) -> Callable[[str, dict], pd.DataFrame]:
    """The function `read_images(dataset, options)` of a source.

    Raises InputError for an unknown source, and for a source without a module: a union has no files of its own.

    >>> find_source("mimic-cxr").__module__
    'cbir.datasets.sources.mimic_cxr'
    """
    sources = list_sources()
    if name not in sources:
        raise InputError(f"no source {name!r}{did_you_mean(name, sources)}; sources are {', '.join(sources)}")
    module = name.replace("-", "_")
    if not (FOLDER / f"{module}.py").is_file():
        raise InputError(f"source {name} reads no images of its own; only a source with a module {module}.py does")
    return importlib.import_module(f"{__name__}.{module}").read_images
