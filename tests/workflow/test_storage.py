import os
import subprocess

import pandas as pd
import pytest

from workflow_runs import ROOT, command, write_experiment

pytestmark = pytest.mark.slow
CHECKOUT = ["Snakefile", "config.yaml", "config", "envs", "profiles", "workflow"]


@pytest.fixture
def read_only_checkout(tmp_path):
    """A copy of the files of the workflow, in a folder where nothing can be written."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    subprocess.run(["cp", "-R", *CHECKOUT, folder], cwd=ROOT, check=True)
    subprocess.run(["chmod", "-R", "a-w", folder], check=True)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def test_a_run_from_a_read_only_checkout_writes_only_to_its_results_folder(
    read_only_checkout, finished, data, tmp_path
):
    work, scratch = tmp_path / "work", tmp_path / "scratch/results"
    work.mkdir()
    write_experiment(work, data, models=["pixels"], results=str(scratch))
    call = command(work, "--cores", "2", "tables")
    call[call.index(str(ROOT / "Snakefile"))] = str(read_only_checkout / "Snakefile")
    if os.geteuid() == 0:  # without this, root could write anywhere
        call = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override", *call]
    before = sorted(read_only_checkout.rglob("*"))
    done = subprocess.run(call, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert sorted(read_only_checkout.rglob("*")) == before
    assert not (work / "results").exists()
    expected = pd.read_csv(finished / "results/tables/retrieval.csv", dtype="str")
    found = pd.read_csv(scratch / "tables/retrieval.csv", dtype="str")
    expected = expected[expected["model"] == "pixels"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
