"""Loaders: one module per kind of encoder, found by its file name, that imports the library which the kind needs.

A loader `open-clip` is the module open_clip.py in this folder. It has the function `load_image_encoder`, and
`load_text_encoder` where the kind has text towers. Both take a catalogue entry and the path of its weight file (None
where the entry has no file) and return a network in float32 on the CPU.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from cbir.errors import InputError, did_you_mean

FOLDER = Path(__file__).parent


def list_loaders() -> list[str]:
    """The names of all loaders, as catalogue entries give them, in alphabetical order.

    >>> "open-clip" in list_loaders()
    True
    """
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("[!_]*.py"))


def find_loader_file(name: str) -> Path:
    """The file of a loader, without importing it. Raises InputError with a suggestion if there is no such loader.

    >>> find_loader_file("open-clip").name
    'open_clip.py'
    """
    names = list_loaders()
    if name not in names:
        raise InputError(
            f"no loader {name}{did_you_mean(name, names)}; correct the entry's loader to one of {', '.join(names)}"
        )
    return FOLDER / f"{name.replace('-', '_')}.py"


def find_loader(name: str) -> ModuleType:
    """The module of a loader. Raises InputError with a suggestion if there is no such loader."""
    return import_module(f"{__name__}.{find_loader_file(name).stem}")
