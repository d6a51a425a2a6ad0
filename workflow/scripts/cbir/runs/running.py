"""The jobs that are running in a results folder, so that none outlives its run and harms the next one."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cbir.errors import InputError

RUN = "CBIR_RUN"  # environment variable that hands a run's name to its jobs, through sbatch too
PATIENCE = 60  # seconds that a killed job may take to go; Slurm grants 30 between its signals


def name_run() -> str:
    """Give the run that this process is a name of its own, and hand it to the jobs that will be started."""
    os.environ[RUN] = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}:{os.environ.get('SLURM_JOB_ID', '')}"
    return os.environ[RUN]


def check_run(results: Path) -> None:
    """In a job, raise InputError if its run no longer has the results folder: it was killed, and another came."""
    run = os.environ.get(RUN)
    if run and run not in (results / ".lock").read_text().splitlines():
        raise InputError(f"the run of this job has ended, and another one has {results}; the job is left to that")


@contextmanager
def running_job(results: Path, title: str) -> Iterator[None]:
    """Have this process listed under the folder's running jobs while it lasts. title: its rule and what it is for.

    Raises InputError in a job that a killed run left and that begins when another run has the folder already.
    """
    folder = results / ".jobs"
    folder.mkdir(parents=True, exist_ok=True)
    own_slurm_job = os.environ.get(RUN, "").rsplit(":", 1)[-1]
    slurm_job = os.environ.get("SLURM_JOB_ID", "")
    path = folder / f"{socket.gethostname()}:{os.getpid()}:{slurm_job if slurm_job != own_slurm_job else ''}"
    with path.open("w") as file:
        with suppress(OSError):  # no locks on some cluster file systems
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            file.write(title)
            file.flush()
            check_run(results)
            yield
        finally:
            path.unlink(missing_ok=True)


def list_jobs(results: Path) -> list[str]:
    """The titles of the running jobs of a results folder, and where they run; those of other machines as they say."""
    jobs = []
    for path in sorted((results / ".jobs").glob("*")):
        host, process, slurm_job = path.name.split(":")
        if host != socket.gethostname() or _is_held(path):
            jobs.append(
                f"{path.read_text()} ({f'Slurm job {slurm_job}' if slurm_job else f'process {process}'}, {host})"
            )
    return jobs


def end_jobs(results: Path) -> None:
    """End the jobs that a killed run has left in the folder, and wait until they are gone.

    A job of this machine is killed if it still holds its file, one in Slurm cancelled. Raises InputError where one
    does not go.
    """
    for path in sorted((results / ".jobs").glob("*")):
        host, process, slurm_job = path.name.split(":")
        deadline = time.monotonic() + PATIENCE
        if slurm_job:
            subprocess.run(["scancel", slurm_job], check=False)
        while _is_held(path):
            if not slurm_job and host == socket.gethostname():
                with suppress(ProcessLookupError):  # gone; its readers follow when they notice
                    os.kill(int(process), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise InputError(f"process {process} on {host}, a job of a killed run, does not end; kill it")
            time.sleep(0.2)
        path.unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    """Whether the process that made the file still has it open, or a child of it has."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
