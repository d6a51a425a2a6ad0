"""A job of the workflow: its log, and its clear end where the input is bad."""

import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cbir.errors import InputError
from cbir.runs.by_hand import Job, describe_job
from cbir.runs.job_logs import FORMAT

log = logging.getLogger("cbir")
STDERR = 2  # file descriptor of standard error


def let_scripts_import(folder: Path) -> None:
    """Let the scripts that this process starts import the library in `folder`, even where another copy is installed."""
    paths = [str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Write a log of the job, and end it with one clear message where the user can fix the input.

    snakemake: the object of that name in a script. The log gets the messages of the library and all that the process
    writes to standard error. An InputError is logged as its message, any other error with its traceback. Snakemake's
    job then ends with exit code 1, because the run shows the error; a job by hand raises it.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    log.setLevel(logging.INFO)
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT))
    log.addHandler(handler)
    start = time.monotonic()
    try:
        with _errors_to(path):
            wildcards = ", ".join(f"{name}={value}" for name, value in snakemake.wildcards.items())
            log.info("%s %s, threads %d, on %s", snakemake.rule, wildcards, snakemake.threads, platform.node())
            log.info("%s", describe_job(snakemake))
            yield
            log.info("done in %.1f s", time.monotonic() - start)
    except BaseException as error:
        if isinstance(error, InputError):
            log.error("%s", error)
        elif isinstance(error, KeyboardInterrupt):
            log.error("interrupted")
        else:
            log.exception("%s failed", snakemake.rule)
        if isinstance(snakemake, Job):
            raise
        sys.exit(1)
    finally:
        log.removeHandler(handler)
        handler.close()


@contextmanager
def _errors_to(path: Path) -> Iterator[None]:
    """Append what this process writes to standard error to a file."""
    sys.stderr.flush()
    before = os.dup(STDERR)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), STDERR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, STDERR)
        os.close(before)
