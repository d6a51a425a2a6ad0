"""Helpers for real runs of the workflow on a small dataset, which the tests make."""

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

ROOT = Path(__file__).parents[1]
REGIONS = {"XR": ["chest", "hand"], "CT": ["head"]}
FINDINGS = ["normal", "lesion"]


def make_dataset(folder: Path, patients: int = 16) -> None:
    """Write images of three regions, with one finding per patient, and their table images.csv."""
    generator = np.random.default_rng(7)
    rows, (y, x) = [], np.mgrid[:48, :64]
    places = [(modality, region) for modality, regions in REGIONS.items() for region in regions]
    for number, (modality, region) in enumerate(places):
        for patient in range(patients):
            finding = FINDINGS[patient % 2]
            for view in range(2):
                image = 60 + 60 * np.sin((x * (number + 1) + y) / 9) + generator.normal(0, 12, x.shape)
                if finding == "lesion":
                    row, column = generator.integers(12, 36, 2)
                    image[(y - row) ** 2 + (x - column) ** 2 < 60] += 70
                name = f"{modality}/{region}/{patient:02d}-{view}.png"
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name)
                rows.append((name, f"{region}{patient}", modality, region, finding))
    columns = ["image", "patient_id", "modality", "anatomic_region", "pathology"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "images.csv", index=False)


def write_experiment(folder: Path, data: Path, **changes) -> Path:
    """Write a small experiment on the images of make_dataset. changes: other values of its top-level keys."""
    experiment = {
        "datasets": {"small": {"source": "table", "root": str(data), "table": "images.csv"}},
        "models": ["efficientnet-lite0", "pixels"],
        "index_sizes": [20, "full"],
        "index_draws": 2,
        "search": {"k": 12},
        "embedding": {"threads": 1, "batch_size": 16, "shards": 2},
        **changes,
    }
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment))
    return path


def command(folder: Path, *arguments: str) -> list[str]:
    """The command that runs Snakemake on folder/experiment.yaml, with `folder` as its working directory."""
    options = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", *options, "--configfile", str(folder / "experiment.yaml"), *arguments]


def run(folder: Path, *arguments: str, timeout: int = 600) -> subprocess.CompletedProcess:
    """Run Snakemake to its end. The result has the output of both streams in stdout."""
    return subprocess.run(
        command(folder, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "random"},
        timeout=timeout,
        check=False,
    )


def call(*words: str, folder: Path) -> subprocess.CompletedProcess:
    """Run a command in a folder, as outside of the `make` that runs the tests."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def tables(folder: Path) -> dict[str, bytes]:
    """Name and content of every table of a run, except those with running times, which differ from run to run."""
    paths = sorted((folder / "results/tables").iterdir())
    found = {path.name: path.read_bytes() for path in paths if path.name not in ("cost.csv", "indexes.csv")}
    assert "retrieval.csv" in found
    return found


def recorded_outputs(folder: Path) -> set[str]:
    """The outputs of which Snakemake has a record. It keeps each in a file whose name is the output's in base64."""
    records = (folder / ".snakemake/metadata").rglob("*")
    return {base64.urlsafe_b64decode(path.name).decode() for path in records if path.is_file()}


def wait_for(condition, process: subprocess.Popen, seconds: float = 300) -> None:
    """Wait until condition() is true. Fails if the process ends before, or after the given seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
