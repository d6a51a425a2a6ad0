"""The record of the runs that made a results folder: configuration, code, versions and machine."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cbir.files import whole_file

RECORD = "run.json"
LIBRARY = "workflow/scripts/cbir"


def record_start(results: Path, config: dict, project: Path) -> None:
    """Append this run to the record in the results folder, as a run that has not ended."""
    run = {
        "started": _now(),
        "ended": None,
        "outcome": "running",
        "command": sys.argv,
        "config": config,
        "code": describe_code(project) | {"library": digest_library(project)},
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "versions": describe_versions(project),
    }
    _write(results, [*read_runs(results), run])


def record_end(results: Path, outcome: str) -> None:
    """Record how the last run ended."""
    *earlier, last = read_runs(results)
    _write(results, [*earlier, last | {"ended": _now(), "outcome": outcome}])


def read_runs(results: Path) -> list[dict]:
    """The runs of a results folder, the first one first; none where the record is missing or damaged."""
    try:
        return json.loads((results / RECORD).read_text(encoding="utf-8"))["runs"]
    except (FileNotFoundError, ValueError, KeyError):
        return []


def list_changes(results: Path, project: Path) -> list[str]:
    """What has changed since the last run of a results folder, although Snakemake takes its files for up to date.

    Snakemake looks at input files, parameters and scripts, but neither at the library under the scripts nor at the
    versions of packages.
    """
    for run in read_runs(results)[-1:]:
        code, versions = run.get("code", {}), run.get("versions", {})
        packages = [name for name, now in describe_versions(project).items() if versions.get(name) != now]
        return [LIBRARY] * (code.get("library") != digest_library(project)) + packages
    return []


def digest_library(project: Path) -> str:
    """The SHA-256 of the names and contents of the library that the scripts share."""
    digest = hashlib.sha256()
    paths = [path for path in (project / LIBRARY).rglob("*") if path.suffix in (".py", ".yaml")]
    for path in sorted(paths):
        for part in (str(path.relative_to(project)).encode(), path.read_bytes()):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def describe_code(project: Path) -> dict:
    """The git revision of the project and whether files differ from it; None where it is no git checkout."""
    git = ["git", "-C", str(project)]
    try:
        revision = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {"revision": None, "changed": None}
    return {"revision": revision.strip(), "changed": bool(changes)}


def describe_versions(project: Path) -> dict[str, str]:
    """The versions of Python and of each package of the project's lock.

    The version is the one installed beside Snakemake. A package that is not installed there has the lock's version,
    which the conda environments have as well.
    """
    versions = {"python": platform.python_version()}
    for line in (project / "envs/lock.txt").read_text().splitlines():
        name, pinned = line.split(" ;")[0].strip().split("==")
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = pinned
    return versions


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(results: Path, runs: list[dict]) -> None:
    with whole_file(results / RECORD) as partial:
        partial.write_text(json.dumps({"runs": runs}, indent=2) + "\n", encoding="utf-8")
