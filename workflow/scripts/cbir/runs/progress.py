"""The progress of a run, as Snakemake's messages tell it."""

import logging
import time
from datetime import timedelta

from cbir.runs.failures import Failure, StartedJob, name_job

# beginnings of Snakemake's messages that say no more than the errors of the jobs
REPEATED = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete")
# number of running jobs among which the one with a logged step is searched, oldest first
WATCHED = 20


class Run:
    """The jobs of a run: running, finished and failed. Snakemake's LogEvent names the kinds of messages."""

    def __init__(self):
        self.running: dict[int, StartedJob] = {}
        self.finished: list[StartedJob] = []
        self.failures: dict[int, Failure] = {}
        self.done = self.total = 0
        self.is_interrupted = False
        self._started = time.monotonic()
        self._file = ""  # Snakemake's file of all messages
        self._errors: dict[int | None, list[str]] = {}  # of each thread, those that no failed job has followed yet

    def note(self, record: logging.LogRecord) -> None:
        """Keep what a message says of the run."""
        event = getattr(record, "event", None)
        if event is None:
            self._note_plain(record.getMessage())
        elif kept := getattr(self, f"_note_{event}", None):
            kept(record)

    def describe_progress(self) -> str:
        """One line: the jobs that are done, failed and running, and the time since the start."""
        failed = f", {len(self.failures):,} failed" if self.failures else ""
        share = f"{self.done:,} of {self.total:,} jobs done ({100 * self.done // self.total} %)"
        return f"{share}{failed}, {len(self.running):,} running, {self._elapsed()}"

    def describe_step(self) -> str:
        """One line: the oldest running job that has logged a step, and the step; else the names of running jobs."""
        jobs = list(self.running.values())[:WATCHED]
        for job in jobs:
            if step := job.last_step():
                return f"{job.name}: {step}"
        return ", ".join(job.name for job in jobs)

    def describe_end(self) -> str:
        """How many jobs are done and failed, how long it took, and where all messages are."""
        failed = f", {len(self.failures):,} failed" if self.failures else ""
        interrupted = "; interrupted, the same command continues" if self.is_interrupted else ""
        messages = f"; all messages: {self._file}" if self._file else ""
        return f"{self.done:,} of {self.total:,} jobs done{failed} in {self._elapsed()}{interrupted}{messages}"

    def ended_jobs(self) -> list[StartedJob]:
        """The finished and failed jobs."""
        return [*self.finished, *(failure.job for failure in self.failures.values())]

    def other_errors(self) -> list[str]:
        """Snakemake's errors that do not stand for the failure of a job."""
        if self.is_interrupted:
            return []
        errors = [text for texts in self._errors.values() for text in texts]
        return [text for text in errors if not (self.failures and text.startswith(REPEATED))]

    def _elapsed(self) -> str:
        return str(timedelta(seconds=round(time.monotonic() - self._started)))

    def _note_plain(self, message: str) -> None:
        if message.startswith("Terminating processes"):
            self.is_interrupted = True
        if message.startswith("Complete log"):
            self._file = message.partition(": ")[2]

    def _note_run_info(self, record: logging.LogRecord) -> None:
        self.total = record.stats["total"]

    def _note_job_info(self, record: logging.LogRecord) -> None:
        self.failures.pop(record.jobid, None)  # a failed job that is tried again
        self.running[record.jobid] = StartedJob(name_job(record.rule_name, record.wildcards.values()), record.log)

    def _note_job_finished(self, record: logging.LogRecord) -> None:
        if job := self.running.pop(record.job_id, None):
            self.finished.append(job)

    def _note_progress(self, record: logging.LogRecord) -> None:
        self.done, self.total = record.done, record.total

    def _note_error(self, record: logging.LogRecord) -> None:
        self._errors.setdefault(record.thread, []).append(record.getMessage().strip())

    def _note_job_error(self, record: logging.LogRecord) -> None:
        job = self.running.pop(record.jobid, None) or StartedJob(record.rule_name, [])
        if self.is_interrupted:  # the interruption ends every running job
            return
        job.logs = list(dict.fromkeys([*job.logs, *record.log]))
        earlier = self.failures.get(record.jobid)
        self.failures[record.jobid] = Failure(
            job,
            "\n".join(self._errors.pop(record.thread, [])) or record.rule_msg or "",
            group=earlier.group if earlier else None,
            group_logs=earlier.group_logs if earlier else [],
        )

    def _note_group_error(self, record: logging.LogRecord) -> None:
        for info in record.job_error_info:
            job = self.running.get(info["jobid"]) or StartedJob(info["rule_name"], info["log"])
            self.failures[info["jobid"]] = Failure(job, "", str(record.groupid), list(record.aux_logs))
