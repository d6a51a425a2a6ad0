import os

import pytest
import yaml

from slurm_single_node import CONFIGURATION, SITE, single_node_slurm
from workflow_runs import ROOT, run, tables

pytestmark = pytest.mark.slow


@pytest.fixture
def slurm(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("starting Slurm needs root")
    if SITE.exists() and not SITE.read_text().startswith(CONFIGURATION[:20]):
        pytest.skip(f"this machine has a Slurm of its own ({SITE})")
    folder = tmp_path / "slurm"
    folder.mkdir()
    with single_node_slurm(folder):
        yield


@pytest.mark.usefixtures("slurm")
def test_a_small_default_experiment_gives_the_same_tables_through_slurm(tmp_path):
    experiment = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"index_sizes": [30, "full"], "index_draws": 1}
    experiment["datasets"]["phantoms"] |= {"patients": 24, "min_per_label": 2}
    experiment |= {"models": ["efficientnet-lite0", "pixels"], "search": {"k": 10}}
    for place in ("here", "through_slurm"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    done = run(tmp_path / "here", "--cores", "2", "tables")
    assert done.returncode == 0, done.stdout
    waiting = ["--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "3"]
    profile = ["--profile", str(ROOT / "profiles/slurm"), "--slurm-status-command", "squeue", *waiting]
    submitted = run(tmp_path / "through_slurm", *profile, "tables", timeout=3000)
    assert submitted.returncode == 0, submitted.stdout
    (messages,) = (tmp_path / "through_slurm/.snakemake/log").glob("*.snakemake.log")
    assert "has been submitted with SLURM jobid" in messages.read_text()
    assert tables(tmp_path / "through_slurm") == tables(tmp_path / "here")
