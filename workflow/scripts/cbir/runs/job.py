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
from cbir.runs.by_hand import describe_job

log = logging.getLogger("cbir")


def let_scripts_import(folder: Path) -> None:
    """Let the scripts that this process starts import the library in `folder`, even where another copy is installed."""
    paths = [str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Write a log of the job, and end it with one clear message where the user can fix the input.

    snakemake: the object of that name in a script. An InputError ends the process with exit code 1, its message on
    standard error and in the log. Any other error is logged with its traceback.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    log.setLevel(logging.INFO)
    handlers = [logging.FileHandler(path, mode="w", encoding="utf-8"), *_terminal()]
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    start = time.monotonic()
    try:
        wildcards = ", ".join(f"{name}={value}" for name, value in snakemake.wildcards.items())
        log.info("%s %s, threads %d, on %s", snakemake.rule, wildcards, snakemake.threads, platform.node())
        log.info("%s", describe_job(snakemake))
        yield
        log.info("done in %.1f s", time.monotonic() - start)
    except InputError as error:
        log.error("%s", error)
        print(f"\n{snakemake.rule}: {error}\n(log: {path})\n", file=sys.stderr)
        sys.exit(1)
    except BaseException:
        log.exception("%s failed", snakemake.rule)
        raise
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def _terminal() -> list[logging.Handler]:
    """Where somebody watches, the progress of the embedding also goes to the terminal."""
    if not sys.stderr.isatty():
        return []
    handler = logging.StreamHandler()
    handler.addFilter(logging.Filter("cbir.embeddings"))
    return [handler]
