import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cbir.experiment.config import complete_config, read_schema

ROOT = Path(__file__).parents[3]
SCHEMA = read_schema(ROOT / "workflow/schemas", ROOT / "workflow/scripts/cbir/datasets/sources")
ROWS = [line.split(" | ") for line in (ROOT / "config/README.md").read_text().splitlines() if line.startswith("| `")]


def test_the_reference_of_the_keys_is_current():
    page = ROOT / "config/README.md"
    before = page.read_text()
    try:
        subprocess.run([sys.executable, "-m", "cbir.experiment.reference"], check=True, cwd=ROOT / "workflow/scripts")
        assert page.read_text() == before, "config/README.md is not current: run `make docs`"
    finally:
        page.write_text(before)


def test_every_key_of_the_default_experiment_is_in_the_reference():
    experiment = complete_config({"datasets": {"x": {"source": "phantoms"}}, "models": ["pixels"]}, SCHEMA)
    described = {row[0].strip("|` ") for row in ROWS}
    assert set(experiment) <= described
    assert {f"search.{key}" for key in experiment["search"]} <= described
    assert set(experiment["datasets"]["x"]) <= described


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("|` "))
def test_every_example_is_yaml_with_its_key(row):
    example = row[-1].strip("|` ").replace("\\|", "|")
    key = row[0].strip("|` ").split(".")[-1]
    if example:
        assert list(yaml.safe_load(example)) == [key]
