import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.lock import lock_results

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def hold_lock(results: Path) -> subprocess.Popen:
    """Another process that holds the lock of a results folder."""
    code = f"""
import pathlib, time
from cbir.runs.lock import lock_results
file = lock_results(pathlib.Path({str(results)!r}))
print("held", flush=True)
time.sleep(99)
"""
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_and_the_first_is_named(tmp_path):
    first = hold_lock(tmp_path)
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


def test_without_locks_in_the_file_system_a_run_goes_on_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock_results(tmp_path).close()
    assert "no lock" in caplog.text
