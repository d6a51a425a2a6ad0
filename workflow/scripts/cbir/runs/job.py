"""A job of the workflow: its log, its clear end where the input is bad, and how to run it again by hand."""

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbir.errors import InputError

PARTS = ("rule", "input", "output", "log", "params", "wildcards", "threads")
HEAD = "job: "  # begins the line of a log that describes the job
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
        log.info("%s%s", HEAD, json.dumps(_describe(snakemake), default=str))
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


class Named(list):
    """A list whose items can also be taken by name, as Snakemake's own lists of files, parameters and wildcards."""

    def __init__(self, items: list, names: dict[str, Any]):
        super().__init__(items)
        self.__dict__.update(names)

    def get(self, name: str, default: Any = None) -> Any:
        """The item of a name, or the default."""
        return self.__dict__.get(name, default)

    def items(self) -> list[tuple[str, Any]]:
        """Names and items."""
        return list(self.__dict__.items())


@dataclass
class Job:
    """What a script knows of its job, read from a log: see read_job."""

    rule: str
    input: Named
    output: Named
    log: Named
    params: Named
    wildcards: Named
    threads: int


def read_job(path: str | Path) -> Job:
    """The job that wrote a log. A script that is given it as `snakemake` does the same work again, without Snakemake.

    Raises InputError for a file that is no log of a job.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    found = next((line.split(HEAD, 1)[1] for line in lines if HEAD in line), None)
    if found is None:
        raise InputError(f"{path}: no log of a job; give a file of the results' folder logs")
    parts = json.loads(found)
    return Job(**{name: Named(**part) if isinstance(part, dict) else part for name, part in parts.items()})


def _describe(snakemake: Any) -> dict[str, Any]:
    """The job as plain data: for each named list its items and their names."""
    parts = {name: getattr(snakemake, name) for name in PARTS}
    return {
        name: part if isinstance(part, str | int) else {"items": list(part), "names": dict(part.items())}
        for name, part in parts.items()
    }


def _terminal() -> list[logging.Handler]:
    """Where somebody watches, the progress of the embedding also goes to the terminal."""
    if not sys.stderr.isatty():
        return []
    handler = logging.StreamHandler()
    handler.addFilter(logging.Filter("cbir.embeddings"))
    return [handler]
