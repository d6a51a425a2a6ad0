from pathlib import Path

import pytest

from workflow_runs import make_dataset, run, write_experiment


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_dataset(folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, data) -> Path:
    """The folder of a complete run on two cores; console.txt has what the run printed."""
    folder = tmp_path_factory.mktemp("finished")
    write_experiment(folder, data)
    done = run(folder, "--cores", "2")
    assert done.returncode == 0, done.stdout
    (folder / "console.txt").write_text(done.stdout)
    return folder
