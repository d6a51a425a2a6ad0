"""The record of the runs that made a results folder: versions, configuration, code and machine."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RECORD = "run.json"
LIBRARY = "workflow/scripts/cbir"


def record_start(results: Path, config: dict, repository: Path) -> None:
    """Append this run to the record in the results folder, as one that is running."""
    record = {
        "started": _now(),
        "ended": None,
        "outcome": "running",
        "command": sys.argv,
        "config": config,
        "code": describe_code(repository) | {"library": digest_library(repository)},
        "machine": describe_machine(),
        "versions": describe_versions(repository),
    }
    _write(results, [*read_runs(results), record])


def record_end(results: Path, outcome: str) -> None:
    """Say how the last run of the record ended."""
    *earlier, last = read_runs(results)
    _write(results, [*earlier, last | {"ended": _now(), "outcome": outcome}])


def read_runs(results: Path) -> list[dict]:
    """The runs of a results folder, the first one first; none where there is no record or a damaged one."""
    try:
        return json.loads((results / RECORD).read_text(encoding="utf-8"))["runs"]
    except (FileNotFoundError, ValueError, KeyError):
        return []


def list_changes(results: Path, repository: Path) -> list[str]:
    """What has changed since the last run of a results folder though Snakemake takes its files for up to date."""
    for run in read_runs(results)[-1:]:
        code, versions = run.get("code", {}), run.get("versions", {})
        packages = [name for name, now in describe_versions(repository).items() if versions.get(name) != now]
        return [LIBRARY] * (code.get("library") != digest_library(repository)) + packages
    return []


def digest_library(repository: Path) -> str:
    """The SHA-256 of the names and contents of the modules that the scripts share."""
    paths = sorted((repository / LIBRARY).rglob("*.py"))
    parts = [part for path in paths for part in (str(path.relative_to(repository)).encode(), path.read_bytes())]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def describe_code(repository: Path) -> dict:
    """The git revision of the workflow and whether files differ from it; None where it is no git checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return {"revision": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.CalledProcessError):
        return {"revision": None, "changed": None}


def describe_machine() -> dict:
    """The class of the machine that Snakemake runs on: system, processor, cores, memory in GiB, GPUs."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "gpus": _gpus(),
    }


def describe_versions(repository: Path) -> dict[str, str]:
    """The versions of Python and of the packages of the repository's lock."""
    return {"python": platform.python_version(), **package_versions(repository / "envs/lock.txt")}


def package_versions(lock: Path) -> dict[str, str]:
    """The version of each package of the lock: that installed beside Snakemake, or else the one of the lock."""
    versions = {}
    for line in lock.read_text().splitlines():
        name, pinned = line.split(" ;")[0].strip().split("==")
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = pinned
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _gpus() -> list[str]:
    try:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(results: Path, runs: list[dict]) -> None:
    partial = results / f"{RECORD}.partial"
    partial.write_text(json.dumps({"runs": runs}, indent=2) + "\n", encoding="utf-8")
    partial.replace(results / RECORD)
