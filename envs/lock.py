"""Resolve packages.toml into lock.txt, which `make` installs, and write the conda environments from its pins.

`make lock` runs this. Nothing else writes lock.txt or the environment files.
"""

import subprocess
import tomllib
from itertools import chain
from pathlib import Path

ENVS = Path(__file__).parent


def resolve(packages: list[str], python: str, constraints: Path | None = None) -> str:
    """Pin `packages` and everything that they need: one requirement per line.

    python: the oldest version for which the pins must work. constraints: a file of pins to choose from. Raises
    CalledProcessError if the packages do not go together.
    """
    command = ["uv", "pip", "compile", "-", "--quiet", "--universal", "--fork-strategy", "fewest"]
    command += ["--python-version", python, "--no-header", "--no-annotate"]
    if constraints:
        command += ["--constraints", str(constraints)]
    return subprocess.run(
        command, input="\n".join(packages), text=True, check=True, stdout=subprocess.PIPE, cwd=ENVS.parent
    ).stdout


def conda_environment(pins: str, python: str) -> str:
    """The text of a conda environment file: python and pip come from conda-forge, the pins are installed by pip."""
    header = f"channels:\n  - conda-forge\n  - nodefaults\ndependencies:\n  - python={python}\n  - pip\n  - pip:\n"
    return header + "".join(f"      - {quoted(pin)}\n" for pin in pins.splitlines())


def quoted(pin: str) -> str:
    """A pin as YAML. One with a marker, such as `; sys_platform`, needs quotes."""
    return f'"{pin}"' if ";" in pin else pin


def files(packages: dict, lock: Path) -> dict[str, str]:
    """The name and the text of every environment file, from the contents of packages.toml and the lock file."""
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
