"""A job's log, its end, and its repetition by hand."""

import json
import logging
import os
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.job import Job, Named, job, let_scripts_import, read_job


def some_job(folder):
    given = Named([str(folder / "a"), str(folder / "b")], {"rows": str(folder / "a"), "manifest": str(folder / "b")})
    return Job(
        rule="score_retrieval",
        input=given,
        output=Named([str(folder / "o")], {"scores": str(folder / "o")}),
        log=Named([str(folder / "logs/job.log")], {}),
        params=Named([[1, 3], {"factory": "Flat"}], {"at": [1, 3], "entry": {"factory": "Flat"}}),
        wildcards=Named(["mine"], {"dataset": "mine"}),
        threads=2,
    )


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


def test_a_job_can_be_read_back_from_its_log(tmp_path):
    with job(some_job(tmp_path)):
        pass
    again = read_job(tmp_path / "logs/job.log")
    assert again == some_job(tmp_path)
    assert (again.input.rows, again.input[1]) == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert again.input.get("weights") is None
    assert again.params.at == [1, 3]
    assert again.params.entry == {"factory": "Flat"}
    assert again.wildcards.get("dataset") == "mine"


def test_a_file_that_is_no_log_is_refused(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(json.dumps({}))
    with pytest.raises(InputError, match=r"a\.log: no log of a job"):
        read_job(path)


def test_scripts_import_the_library_beside_them_before_any_other(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/other")
    let_scripts_import(Path("/checkout/workflow/scripts"))
    let_scripts_import(Path("/checkout/workflow/scripts"))
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["/checkout/workflow/scripts", "/other"])
