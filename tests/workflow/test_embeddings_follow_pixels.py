"""Embeddings follow the pixels of images, not their paths, labels or splits."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_runs import run, write_experiment

EMBEDDINGS = "results/embeddings/small/pixels.npy"
INDEX = "results/index_rows/small/full.0.npy"


def changed_jobs(folder: Path) -> dict[str, str]:
    """How many jobs of each rule a dry run plans."""
    planned = run(folder, "-n", EMBEDDINGS, INDEX).stdout
    return dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))


@pytest.fixture(scope="module")
def made(tmp_path_factory, data) -> Path:
    """A folder with images and a run that has embedded them, where the images have moved since."""
    folder = tmp_path_factory.mktemp("made")
    for place in (data, folder / "data"):
        write_experiment(folder, place, models=["pixels"])
        done = run(folder, "--cores", "2", EMBEDDINGS, INDEX)
        assert done.returncode == 0, done.stdout
        if place == data:
            assert embedded(folder) == len(pd.read_parquet(folder / "results/pixels/small.parquet"))
            shutil.copytree(data, folder / "data", copy_function=shutil.copy2)
    return folder


@pytest.fixture
def copied(made, tmp_path):
    """A copy of that folder, which a test may change."""
    shutil.copytree(made, tmp_path / "copy", copy_function=shutil.copy2)
    write_experiment(tmp_path / "copy", tmp_path / "copy/data", models=["pixels"])
    return tmp_path / "copy"


def embedded(folder: Path) -> int:
    """How many images the last jobs embedded with the encoder pixels."""
    records = (folder / "results/embeddings/shards/small/pixels").glob("*.json")
    return sum(json.loads(record.read_text())["embedded"] for record in records)


def test_images_that_moved_are_not_embedded_again(made):
    assert embedded(made) == 0


def test_options_that_change_no_pixels_start_no_embedding_job(copied):
    done = run(copied, "--cores", "2", EMBEDDINGS, INDEX)
    assert done.returncode == 0, done.stdout
    dataset = {"source": "table", "root": str(copied / "data"), "table": "images.csv"}
    options = {"split": {"train": 0.6, "val": 0.1, "test": 0.3}, "min_per_label": 3, "index_sizes": [15, "full"]}
    write_experiment(copied, copied / "data", models=["pixels"], datasets={"small": dataset | options})
    planned = changed_jobs(copied)
    assert "split_dataset" in planned
    assert {"make_manifest", "inspect_images", "embed_images"}.isdisjoint(planned)


def test_an_added_image_is_embedded_and_a_relabelled_one_is_not(copied):
    data = copied / "data"
    pixels = np.asarray(Image.open(data / "XR/chest/00-0.png"))
    Image.fromarray(pixels[::-1].copy()).save(data / "XR/chest/new.png")
    rows = (data / "images.csv").read_text().splitlines()
    assert rows[1].startswith("XR/chest/00-0.png,chest0,XR,chest,normal")
    rows[1] = rows[1].replace("normal", "lesion")
    (data / "images.csv").write_text("\n".join([*rows, "XR/chest/new.png,new,XR,chest,lesion"]) + "\n")
    done = run(copied, "--cores", "2", EMBEDDINGS)
    assert done.returncode == 0, done.stdout
    assert embedded(copied) == 1
    manifest = pd.read_parquet(copied / "results/manifests/small.parquet").set_index("image_id")
    assert manifest.loc["XR/chest/00-0.png", "label"] == "XR/chest/lesion"
    assert len(np.load(copied / "results/embeddings/small/pixels.npy")) == len(manifest)


def test_a_replaced_image_is_embedded_again_alone_and_a_corrected_typo_embeds_nothing(copied):
    assert run(copied, "--cores", "2", EMBEDDINGS).returncode == 0
    before, manifest = np.load(copied / EMBEDDINGS), pd.read_parquet(copied / "results/manifests/small.parquet")
    image = copied / "data/XR/chest/00-0.png"
    Image.fromarray(np.asarray(Image.open(image))[::-1].copy()).save(image)
    done = run(copied, "--cores", "2", EMBEDDINGS)
    assert done.returncode == 0, done.stdout
    assert "dataset small: the files of 1 images were changed or removed" in done.stdout
    logs = [path.read_text() for path in sorted((copied / "results/logs/inspect_images/small").glob("*.log"))]
    decoded = [int(re.search(r"(\d+) of \d+ images decoded", log)[1]) for log in logs]
    assert sum(decoded) == embedded(copied) == 1
    rows = np.flatnonzero((np.load(copied / EMBEDDINGS) != before).any(axis=1))
    assert manifest["image_id"].iloc[rows].tolist() == ["XR/chest/00-0.png"]
    check_that_a_corrected_typo_makes_nothing_again(copied)


def check_that_a_corrected_typo_makes_nothing_again(folder):
    before = (folder / EMBEDDINGS).read_bytes()
    experiment = (folder / "experiment.yaml").read_text()
    (folder / "experiment.yaml").write_text(experiment.replace("images.csv", "imagess.csv"))
    done = run(folder, "--cores", "2", EMBEDDINGS)
    assert done.returncode != 0
    assert "imagess.csv; set datasets.small.table to a file below root" in done.stdout
    (folder / "experiment.yaml").write_text(experiment)
    done = run(folder, "--cores", "2", EMBEDDINGS)
    assert done.returncode == 0, done.stdout
    assert embedded(folder) == 0
    assert (folder / EMBEDDINGS).read_bytes() == before
