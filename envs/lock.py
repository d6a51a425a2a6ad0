"""Resolve packages.toml to pinned versions in lock.txt, and write the conda environments from these pins.

`make lock` runs this script; nothing else writes lock.txt or the environment files. `make` installs lock.txt.
"""

import subprocess
import tomllib
from itertools import chain
from pathlib import Path

ENVS = Path(__file__).parent


def resolve(packages: list[str], python: str, constraints: Path | None = None) -> str:
    """Pin `packages` and all packages that they need, one per line.

    Raises CalledProcessError if they cannot be resolved.
    """
    command = ["uv", "pip", "compile", "-", "--quiet", "--universal", "--fork-strategy", "fewest"]
    command += ["--python-version", python, "--no-header", "--no-annotate"]
    if constraints:
        command += ["--constraints", str(constraints)]
    return subprocess.run(
        command, input="\n".join(packages), text=True, check=True, stdout=subprocess.PIPE, cwd=ENVS.parent
    ).stdout


def conda_environment(pins: str, python: str) -> str:
    """Text of a conda environment file. Python and pip come from conda-forge, and pip installs the pins."""
    header = f"channels:\n  - conda-forge\n  - nodefaults\ndependencies:\n  - python={python}\n  - pip\n  - pip:\n"
    return header + "".join(f"      - {quoted(pin)}\n" for pin in pins.splitlines())


def quoted(pin: str) -> str:
    """Quote a pin where YAML needs it."""
    return f'"{pin}"' if ";" in pin else pin


def files(packages: dict, lock: Path) -> dict[str, str]:
    """Text of each environment file by its name, with the versions that lock.txt pins.

    packages: content of packages.toml. lock: path of lock.txt.
    """
    python = packages["python"]
    return {
        f"{name}.yaml": conda_environment(resolve(wanted, python, lock), python)
        for name, wanted in packages["environments"].items()
    }


def main() -> None:
    """Write lock.txt and the environment files."""
    packages = tomllib.loads((ENVS / "packages.toml").read_text())
    wanted = sorted({*chain(*packages["environments"].values()), *packages["workflow"]["packages"]})
    lock = ENVS / "lock.txt"
    lock.write_text(resolve(wanted, packages["python"]))
    for name, text in files(packages, lock).items():
        (ENVS / name).write_text(text)


if __name__ == "__main__":
    main()
