import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_runs import ROOT, command, tables, write_experiment

STAND_IN = ROOT / "tests/conda_stand_in/bin"


@pytest.fixture
def snakemake_alone(tmp_path) -> Path:
    """The bin folder of an environment that has nothing but Snakemake and the packages that it needs."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "snakemake"], check=True)
    folder = tmp_path / "snakemake/bin"
    constraints = ROOT / "envs/lock.txt"
    subprocess.run(
        [folder / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, "snakemake"], check=True
    )
    return folder


@pytest.mark.slow
def test_every_rule_runs_in_the_conda_environment_of_its_step(finished, data, tmp_path, snakemake_alone):
    write_experiment(tmp_path, data)
    path = [str(snakemake_alone), *([] if shutil.which("conda") else [str(STAND_IN)]), os.environ["PATH"]]
    done = subprocess.run(
        [snakemake_alone / "python", *command(tmp_path, "--cores", "2", "--use-conda")[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PATH": os.pathsep.join(path)},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert (
        len(list((tmp_path / ".snakemake/conda").glob("*/pyvenv.cfg" if not shutil.which("conda") else "*/conda-meta")))
        == 4
    )
    assert tables(tmp_path) == tables(finished)
