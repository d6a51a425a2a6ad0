"""The failed jobs and the warnings of a run, read from the jobs' logs and put into words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

from cbir.runs.job_logs import read_last_step, read_log, read_tail

# number of a log's last lines that are shown of a job that ended without an error in its log
LAST_LINES = 10
# number of jobs with the same error or warning whose logs are named
LISTED_LOGS = 3


@dataclass
class StartedJob:
    """A job that Snakemake has started or submitted."""

    name: str
    logs: list[str]
    before: dict[str, int | None] = field(init=False)  # time of change of each log before the job, in ns

    def __post_init__(self):
        self.before = {path: _changed(path) for path in self.logs}

    def describe(self, state: str) -> str:
        """One line: a state of the job, its name and its logs."""
        return f"{state}: {self.name} ({', '.join(self.logs) or 'no log'})"

    def fresh_logs(self) -> list[str]:
        """The logs that this job has written; an earlier run may have left others."""
        return [path for path in self.logs if _changed(path) not in (None, self.before.get(path))]

    def messages(self, level: str) -> list[str]:
        """The messages of a level in the logs of this job."""
        return [text for path in self.fresh_logs() for found, text in read_log(path) if found == level]

    def last_step(self) -> str:
        """The last step in the logs of this job; empty where it has logged none."""
        return next(filter(None, map(read_last_step, self.fresh_logs())), "")


@dataclass
class Failure:
    """A job that failed, with Snakemake's own message and the logs of the group of jobs that it ran in."""

    job: StartedJob
    message: str = ""
    group: str | None = None
    group_logs: list[str] = field(default_factory=list)


def name_job(rule: str, wildcards: Iterable) -> str:
    """A short name of a job.

    >>> name_job("embed_images", ["small", "pixels"])
    'embed_images small/pixels'
    """
    return " ".join(filter(None, [rule, "/".join(map(str, wildcards))]))


def shorten_traceback(text: str) -> str:
    """The exception at the end of a traceback; a text without a traceback stays as it is.

    >>> shorten_traceback("map failed\\nTraceback (most recent call last):\\n  File \\"a.py\\", line 1\\nKeyError: 'x'")
    "KeyError: 'x' (traceback in the log)"
    """
    lines = text.splitlines()
    if "Traceback (most recent call last):" not in lines:
        return text
    frames = [number for number, line in enumerate(lines) if line.startswith("  ")]
    return "\n".join(lines[frames[-1] + 1 :] if frames else lines) + " (traceback in the log)"


def describe_warnings(jobs: Iterable[StartedJob]) -> list[str]:
    """The warnings in the logs of jobs, one text per warning; equal warnings are put together."""
    found: dict[str, list[StartedJob]] = {}
    for job in jobs:
        for text in dict.fromkeys(job.messages("WARNING")):
            found.setdefault(text, []).append(job)
    return [f"{text}\n{indent(_list_logs(same), '  ')}" for text, same in found.items()]


def describe_failures(failures: Iterable[Failure]) -> list[str]:
    """The errors of failed jobs, one text per error, with the paths of the logs; equal errors are put together.

    The error of a job is the last one in its log, or Snakemake's message and the end of the log. Where one job of a
    group has logged an error, the others of the group are left out, because they were not run.
    """
    logged = [
        (failure, [shorten_traceback(text) for text in failure.job.messages("ERROR")[-1:]]) for failure in failures
    ]
    explained = {failure.group for failure, errors in logged if errors and failure.group}
    found: dict[str, list[StartedJob]] = {}
    for failure, errors in logged:
        if errors or failure.group not in explained:
            found.setdefault(errors[0] if errors else _describe_silent(failure), []).append(failure.job)
    return [
        f"error in {same[0].name if len(same) == 1 else f'{len(same)} jobs'}:\n"
        f"{indent(text, '  ')}\n{indent(_list_logs(same), '  ')}"
        for text, same in found.items()
    ]


def _describe_silent(failure: Failure) -> str:
    """What is known of a job that failed without an error in its log, as when it was killed."""
    lines = [failure.message or "the job ended without a message"]
    for path in [*failure.job.fresh_logs(), *failure.group_logs]:
        if tail := read_tail(path, LAST_LINES):
            lines += [f"end of {path}:", *(f"  {line[:200]}" for line in tail)]
    return "\n".join(lines)


def _list_logs(jobs: list[StartedJob]) -> str:
    """The logs of jobs: one line for one job, else one line for each of the first ones."""
    if len(jobs) == 1:
        return f"log of {jobs[0].name}: {_join(jobs[0].logs)}"
    first = sorted(jobs, key=lambda job: job.name)[:LISTED_LOGS]
    lines = [f"logs of {len(jobs):,} jobs:", *(f"  {job.name}: {_join(job.logs)}" for job in first)]
    return "\n".join([*lines, *["  ..."] * (len(jobs) > LISTED_LOGS)])


def _join(logs: list[str]) -> str:
    return ", ".join(logs) or "none"


def _changed(path: str) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return None
