"""A job's log, its end, and its repetition by hand."""

import logging
import os
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.job import job, let_scripts_import
from some_job import some_job


def test_the_log_says_what_ran_and_how_long(tmp_path):
    with job(some_job(tmp_path)):
        logging.getLogger("cbir.retrieval").info("half-way")
    lines = (tmp_path / "logs/job.log").read_text().splitlines()
    assert "score_retrieval dataset=mine, threads 2, on " in lines[0]
    assert lines[2].endswith("INFO half-way")
    assert "done in " in lines[3]


def test_bad_input_ends_the_job_with_one_message_and_no_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as end, job(some_job(tmp_path)):
        raise InputError("index_sizes: 7 is wrong; take 5")
    assert end.value.code == 1
    assert "score_retrieval: index_sizes: 7 is wrong; take 5" in capsys.readouterr().err
    assert "Traceback" not in (tmp_path / "logs/job.log").read_text()


def test_any_other_error_leaves_its_traceback_in_the_log(tmp_path):
    with pytest.raises(ZeroDivisionError), job(some_job(tmp_path)):
        _ = 1 / 0
    assert "ZeroDivisionError" in (tmp_path / "logs/job.log").read_text()


def test_scripts_import_the_library_beside_them_before_any_other(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/other")
    let_scripts_import(Path("/checkout/workflow/scripts"))
    let_scripts_import(Path("/checkout/workflow/scripts"))
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["/checkout/workflow/scripts", "/other"])
