"""A job's log, its end, and its repetition by hand."""

import logging
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbir.errors import InputError
from cbir.runs.job import job, let_scripts_import
from cbir.runs.job_logs import read_log
from some_job import some_job


def test_the_log_says_what_ran_and_how_long(tmp_path):
    with job(some_job(tmp_path)):
        logging.getLogger("cbir.retrieval").info("half-way")
    lines = (tmp_path / "logs/job.log").read_text().splitlines()
    assert "score_retrieval dataset=mine, threads 2, on " in lines[0]
    assert lines[2].endswith("INFO half-way")
    assert "done in " in lines[3]


def snakemakes_job(folder: Path) -> SimpleNamespace:
    """A job as Snakemake gives it to a script; one by hand is of another type."""
    return SimpleNamespace(**vars(some_job(folder)))


def test_bad_input_ends_the_job_with_its_message_in_the_log_and_no_traceback(tmp_path, capfd):
    with pytest.raises(SystemExit) as end, job(snakemakes_job(tmp_path)):
        raise InputError("index_sizes: 7 is wrong; take 5")
    assert end.value.code == 1
    assert capfd.readouterr().err == ""
    assert read_log(tmp_path / "logs/job.log")[-1] == ("ERROR", "index_sizes: 7 is wrong; take 5")


def test_any_other_error_leaves_its_traceback_in_the_log(tmp_path, capfd):
    with pytest.raises(SystemExit) as end, job(snakemakes_job(tmp_path)):
        _ = 1 / 0
    assert end.value.code == 1
    assert capfd.readouterr().err == ""
    assert "ZeroDivisionError" in (tmp_path / "logs/job.log").read_text()


@pytest.mark.parametrize("error", [InputError("index_sizes: 7"), ZeroDivisionError("by hand")])
def test_a_job_by_hand_raises_its_error(tmp_path, error):
    with pytest.raises(type(error), match=str(error)), job(some_job(tmp_path)):
        raise error


def test_an_interrupted_job_leaves_no_traceback(tmp_path):
    with pytest.raises(SystemExit), job(snakemakes_job(tmp_path)):
        raise KeyboardInterrupt
    assert read_log(tmp_path / "logs/job.log")[-1] == ("ERROR", "interrupted")


def test_what_a_job_and_its_processes_write_to_standard_error_goes_to_the_log(tmp_path, capfd):
    with job(some_job(tmp_path)):
        subprocess.run(["bash", "-c", "echo from a process >&2"], check=True)
        logging.getLogger("cbir").info("after it")
    subprocess.run(["bash", "-c", "echo outside >&2"], check=True)
    lines = (tmp_path / "logs/job.log").read_text().splitlines()
    assert lines[2] == "from a process"
    assert lines[3].endswith("INFO after it")
    assert capfd.readouterr().err == "outside\n"


def test_scripts_import_the_library_beside_them_before_any_other(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/other")
    let_scripts_import(Path("/checkout/workflow/scripts"))
    let_scripts_import(Path("/checkout/workflow/scripts"))
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["/checkout/workflow/scripts", "/other"])
