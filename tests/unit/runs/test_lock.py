import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.lock import lock_results
from cbir.runs.running import RUN, check_run, end_jobs, list_jobs, running_job

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


@pytest.fixture(autouse=True)
def no_run(monkeypatch):
    monkeypatch.setenv(RUN, "")


def hold(results: Path, code: str) -> subprocess.Popen:
    """Another process that runs `code`, says so, and then waits."""
    lines = ["import pathlib, sys, time", f"results = pathlib.Path({str(results)!r})", code]
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
    )
    assert process.stdout.readline() == "held\n"
    return process


LOCK = (
    "from cbir.runs.lock import lock_results; file = lock_results(results); print('held', flush=True); time.sleep(99)"
)
JOB = """from cbir.runs.running import running_job
with running_job(results, 'a job'):
    print('held', flush=True)
    time.sleep(99)
"""


def test_a_second_run_is_refused_and_told_of_the_first(tmp_path):
    first = hold(tmp_path, LOCK)
    with pytest.raises(InputError, match=f"in use by another run .process {first.pid} of .* on "):
        lock_results(tmp_path)
    first.kill()
    first.wait()
    lock_results(tmp_path).close()


def test_a_folder_of_another_user_is_refused_by_the_users_name(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".lock"))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=f"belongs to {tmp_path.owner()}: ask for write permission"):
        lock_results(tmp_path)


def test_where_the_file_system_has_no_locks_a_run_goes_on_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock_results(tmp_path).close()
    assert "no lock" in caplog.text
    with running_job(tmp_path, "a job"):
        pass
    end_jobs(tmp_path)


def test_a_job_left_by_a_killed_run_is_ended_and_others_are_not(tmp_path):
    job = hold(tmp_path, JOB)
    (tmp_path / ".jobs" / f"{os.uname().nodename}:{os.getpid()}:").touch()  # a job that ended; its process id is ours
    end_jobs(tmp_path)
    assert job.wait(timeout=10) == -9
    assert not list((tmp_path / ".jobs").iterdir())


def test_a_job_in_slurm_is_cancelled(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "scancel").write_text(f"#!/bin/sh\necho $1 > {tmp_path}/cancelled\n")
    (tmp_path / "scancel").chmod(0o755)
    (tmp_path / ".jobs").mkdir()
    (tmp_path / ".jobs" / "node7:123:4567").touch()
    end_jobs(tmp_path)
    assert (tmp_path / "cancelled").read_text() == "4567\n"


def test_a_job_that_is_done_is_listed_no_more(tmp_path):
    with running_job(tmp_path, "a job"):
        (listed,) = (tmp_path / ".jobs").iterdir()
        assert str(os.getpid()) in listed.name
        (tmp_path / ".jobs/vanished:1:22").write_text("embed_shard")
        assert list_jobs(tmp_path) == [
            "embed_shard (Slurm job 22, vanished)",
            f"a job (process {os.getpid()}, {os.uname().nodename})",
        ]
        (tmp_path / ".jobs/vanished:1:22").unlink()
    assert not list((tmp_path / ".jobs").iterdir())


def test_the_slurm_job_that_a_run_itself_is_in_is_not_listed_with_its_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    lock_results(tmp_path).close()
    with running_job(tmp_path, "a job"):
        assert next((tmp_path / ".jobs").iterdir()).name.endswith(f":{os.getpid()}:")
    monkeypatch.setenv("SLURM_JOB_ID", "9")
    with running_job(tmp_path, "a job"):
        assert next((tmp_path / ".jobs").iterdir()).name.endswith(f":{os.getpid()}:9")


def test_a_job_that_starts_after_its_run_was_replaced_is_refused(tmp_path, monkeypatch):
    lock_results(tmp_path).close()
    first = os.environ[RUN]
    check_run(tmp_path)
    time.sleep(0.001)
    lock_results(tmp_path).close()
    monkeypatch.setenv(RUN, first)
    with pytest.raises(InputError, match="the run of this job has ended"):
        check_run(tmp_path)
