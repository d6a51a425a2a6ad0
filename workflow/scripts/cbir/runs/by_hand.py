"""A job that is run again by hand: described in its log, and read back from it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbir.errors import InputError

PARTS = ("rule", "input", "output", "log", "params", "wildcards", "threads")
HEAD = "job: "  # begins the description of the job in its log


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


def describe_job(snakemake: Any) -> str:
    """The job in one line of a log, from which read_job reads it back.

    snakemake: the object of that name in a script.
    """
    parts = {name: getattr(snakemake, name) for name in PARTS}
    described = {
        name: part if isinstance(part, str | int) else {"items": list(part), "names": dict(part.items())}
        for name, part in parts.items()
    }
    return HEAD + json.dumps(described, default=str)
