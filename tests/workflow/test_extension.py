"""The recipes of docs/architecture.md for a source, an encoder, a metric and a figure, followed literally and run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from workflow_runs import ROOT

SOURCE = '''"""Source `stripes`: striped squares that this module writes."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def read_images(dataset: str, options: dict) -> pd.DataFrame:
    """Draw stripes in two directions, the two findings; one row per image and patient."""
    rows = []
    for number in range(options["patients"]):
        stripes = np.add.outer(np.zeros(40), np.arange(40) * (number + 3) % 40 * 6).astype(np.uint8)
        path = Path(options["root"], f"{number}.png")
        Image.fromarray(stripes if number % 2 else stripes.T.copy()).save(path)
        finding = ["across", "along"][number % 2]
        rows.append((str(number), str(path), f"p{number}", "XR", "hand", finding))
    return pd.DataFrame(rows, columns=["image_id", "path", "patient_id", "modality", "anatomic_region", "pathology"])
'''
OPTIONS = """description: Striped squares.
required: [root]
properties:
  root: {$ref: "#/$defs/root"}
  patients:
    description: Number of squares.
    type: integer
    minimum: 10
    default: 40
"""
ENTRY = """
lite0-other-seed:
  description: EfficientNet-Lite0 with other random weights
  family: control
  loader: timm
  architecture: tf_efficientnet_lite0
  weights: {seed: 7}
  input: {size: 64, resize: squash, interpolation: bicubic, mean: [0.498, 0.498, 0.498], std: [0.502, 0.502, 0.502]}
  pooling: mean
  dimensions: 1280
  licence: none
  source: the test
"""
METRIC = '''

def first_is_hit(hits: Hits, depths: np.ndarray) -> np.ndarray:
    """Whether the nearest image is a hit, at any depth."""
    return np.repeat(hits.hit[:, :1].astype(float), len(depths), axis=1)


METRICS["first_is_hit"] = Metric(first_is_hit, chance.first_is_hit_by_chance, given_at="searched")
'''
CHANCE = '''

def first_is_hit_by_chance(level: Level, depths: np.ndarray) -> np.ndarray:
    """The share of hits among the ranked images."""
    return precision_by_chance(level, depths)
'''
FIGURE = '''"""Images per label."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import ModelStyle, themed


@themed
def draw(frequency: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """A histogram of the images per label."""
    figure = Figure(figsize=(3, 2))
    panel = figure.subplots()
    panel.hist(frequency["index_images"])
    panel.set(xlabel="images in the index", ylabel="labels")
    return figure
'''


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """The results of an experiment in a copy of the project with one more source, encoder, metric and figure."""
    folder = tmp_path_factory.mktemp("extended")
    for name in ("Snakefile", "config.yaml", "config", "envs", "profiles", "workflow"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    library, report = folder / "workflow/scripts/cbir", folder / "workflow/report"
    append(library / "datasets/sources/stripes.py", SOURCE)
    append(library / "datasets/sources/stripes.yaml", OPTIONS)
    append(folder / "workflow/models.yaml", ENTRY)
    append(library / "evaluation/metrics.py", METRIC)
    append(library / "evaluation/chance.py", CHANCE)
    append(library / "reporting/figures/label_histogram.py", FIGURE)
    append(report / "label_histogram.rst", "Images per label.\n")
    append(report / "contents.yaml", "  label_histogram: {from: [label_precision], per: dataset}\n")
    (folder / "images").mkdir()
    experiment = {
        "datasets": {"squares": {"source": "stripes", "root": "images"}},
        "models": ["pixels", "lite0-other-seed"],
        "search": {"k": 10},
        "embedding": {"threads": 1},
        "probes": {"methods": []},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(experiment))
    wanted = ["results/tables/retrieval_main.md", "results/figures/squares/label_histogram.png"]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "mine.yaml", "--", *wanted]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder / "results"


def append(path: Path, text: str) -> None:
    """Add text to the end of a file; a missing file is made."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_source_is_two_new_files(extended):
    manifest = pd.read_parquet(extended / "manifests/squares.parquet")
    assert len(manifest) == 40
    assert set(manifest["label"]) == {"XR/hand/across", "XR/hand/along"}


def test_an_encoder_is_an_entry_of_the_catalogue(extended):
    main = pd.read_csv(extended / "tables/retrieval_main.csv")
    assert main["model"].tolist() == ["pixels", "lite0-other-seed"]


def test_a_metric_is_a_function_its_chance_level_and_a_line(extended):
    scores = pd.read_csv(extended / "tables/retrieval.csv")
    keys = ["model", "level", "average"]
    mine = scores[scores["metric"] == "first_is_hit"].set_index(keys)
    ours = scores[(scores["metric"] == "precision") & (scores["k"] == 1)].set_index(keys)
    assert len(mine) == len(ours) == 2 * 4 * 2
    pd.testing.assert_frame_equal(
        mine[["value", "ci_low", "chance"]], ours.loc[mine.index, ["value", "ci_low", "chance"]]
    )


def test_a_figure_is_a_module_a_caption_and_a_line(extended):
    assert (extended / "figures/squares/label_histogram.png").read_bytes().startswith(b"\x89PNG")
    assert (extended / "figures/squares/label_histogram.pdf").exists()
