"""A job is read back from its log."""

import json

import pytest

from cbir.errors import InputError
from cbir.runs.by_hand import read_job
from cbir.runs.job import job
from some_job import some_job


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
