import pytest

from cbir.errors import InputError
from cbir.runs.handlers import end_run, start_run
from cbir.runs.lock import lock_results
from cbir.runs.record import read_runs
from workflow_runs import ROOT


def test_a_run_that_is_started_twice_by_its_process_is_locked_and_recorded_once(tmp_path):
    start_run(tmp_path, {"seed": 3}, ROOT)
    start_run(tmp_path, {"seed": 3}, ROOT)
    with pytest.raises(InputError, match="in use by another run"):
        lock_results(tmp_path)
    end_run(tmp_path, "success")
    assert [(run["config"], run["outcome"]) for run in read_runs(tmp_path)] == [({"seed": 3}, "success")]


def test_two_experiments_of_one_process_are_locked_and_recorded_each(tmp_path):
    for name in ("a", "b"):
        start_run(tmp_path / name, {"results": name}, ROOT)
    assert [read_runs(tmp_path / name)[0]["config"]["results"] for name in ("a", "b")] == ["a", "b"]


def test_a_run_deletes_what_killed_processes_left(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/.a.host.7.partial.csv").touch()
    start_run(tmp_path, {}, ROOT)
    assert list((tmp_path / "tables").iterdir()) == []


def test_the_end_of_a_run_that_did_not_start_is_not_recorded(tmp_path):
    end_run(tmp_path, "failure")
    assert read_runs(tmp_path) == []
