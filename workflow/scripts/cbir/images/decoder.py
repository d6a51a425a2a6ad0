"""What decodes images: this room's code and the packages that it uses."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# packages that turn the bytes of a file into pixels
PACKAGES = ("numpy", "pillow", "pydicom", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "nibabel")


@cache
def describe_decoder() -> str:
    """16 hex digits that name the code of this room and the versions of PACKAGES.

    The same file may have other pixels where they differ.
    """
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.name.encode() + module.read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {_installed_version(package)}".encode())
    return digest.hexdigest()[:16]


def _installed_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
