"""Everything that an encoder's vectors depend on besides the images.

Nothing here imports torch, so that a job which finds all its vectors computed already does not have to.
"""

import ast
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cbir.encoders.fingerprint import fingerprint
from cbir.encoders.loaders import find_loader_file

FOLDER = Path(__file__).parent
# keys of a catalogue entry that change the vectors of images; the others are texts for people, and the text tower
ENTRY_KEYS = ("loader", "architecture", "options", "tensors", "input", "pooling", "dimensions")
PACKAGES = ("torch", "timm", "torchvision", "open_clip_torch", "transformers", "pillow", "pydicom", "numpy")
# modules that encoders import, but that have no influence on vectors
UNRELATED = ("provenance.py", "weights.py", "loaders/__init__.py")


def describe_dependencies(entry: dict, weights_sha256: str | None, device: str, precision: str) -> dict:
    """Everything that the vectors of an encoder depend on besides the images, ready for JSON.

    entry: the encoder's catalogue entry. weights_sha256: as `find_weights` returns it. device: a type of device, as
    `resolve_device_name` returns it. precision: the name of the number format.

    The source of the weights is left out, because their checksum identifies them: a copy of the same file at another
    place gives the same vectors. Raises InputError if there is no such loader.
    """
    return {
        "model": {key: entry[key] for key in ENTRY_KEYS if key in entry},
        "seed": entry["weights"].get("seed"),
        "weights_sha256": weights_sha256,
        "device": device,
        "precision": precision,
        "code": digest_code(entry["loader"]),
        "python": platform.python_version(),
        "packages": {name: _installed_version(name) for name in PACKAGES},
    }


def digest_code(loader: str) -> str:
    """16 hex digits that identify the code which turns pixels into vectors with one loader.

    The code consists of the modules of this room that `image_encoder` and the loader import, directly or not. They are
    compared as syntax trees without docstrings, so that comments, docstrings and formatting do not change the digest.
    Raises InputError if there is no such loader.
    """
    trees: dict[str, ast.Module] = {}
    waiting = [FOLDER / "image_encoder.py", find_loader_file(loader)]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(FOLDER).as_posix()
        if name not in trees and name not in UNRELATED:
            trees[name] = ast.parse(path.read_text(encoding="utf-8"))
            waiting += _imported_files(trees[name])
    dumped = {name: ast.dump(_without_docstrings(tree)) for name, tree in trees.items()}
    return fingerprint(dumped)


def _imported_files(tree: ast.Module) -> list[Path]:
    """The files of this room that a module imports; imports have the form `from cbir.encoders… import …`."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = [name for node in imports for name in (node.module, *(f"{node.module}.{part.name}" for part in node.names))]
    stems = [FOLDER.joinpath(*name.split(".")[2:]) for name in names if name.startswith("cbir.encoders.")]
    files = [file for stem in stems for file in (stem.with_suffix(".py"), stem / "__init__.py")]
    return [file for file in files if file.exists()]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
