"""The console of a run: its progress, then what to keep in mind, then its errors, in few lines.

Snakemake writes all of its messages to a file in `.snakemake/log`. Its handler for the console is replaced by one that
sums them up; see LogEvent in snakemake_interface_logger_plugins for the kinds of messages.
"""

import logging
import sys
import textwrap
import threading
import traceback
from collections.abc import Iterable
from typing import Any

from cbir.runs.failures import describe_failures, describe_warnings
from cbir.runs.progress import REPEATED, Run
from cbir.runs.screen import Screen

# beginnings of Snakemake's messages without an event that are shown
SHOWN = (
    "Nothing to be done",
    "Creating conda environment",
    "Environment for",
    "Trying to restart",
    "Terminating processes",
    "Will exit",
)
# beginning of Snakemake's message before every local run
SHARED = "Assuming unrestricted shared filesystem"
# seconds between two looks at the running jobs
INTERVAL = 1
# number of failed jobs that are named at once; all are named at the end
NOTED = 3


def watch_run(logger: logging.Logger, settings: Any) -> "Console":
    """Let a Console write to the console in place of Snakemake's own handler, and return it.

    logger: Snakemake's. settings: its OutputSettings. With --dry-run, --verbose, --debug-dag or --printshellcmds the
    messages are printed as by Snakemake, and so are those before a run. With another logger plugin only the lines at
    the end of a run are added to the plugin's.
    """
    for handler in logger.handlers:
        if isinstance(handler, Console):
            return handler
    plain = next((handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"), None)
    console = Console(plain, settings)
    if plain is not None:
        logger.removeHandler(plain)
    logger.addHandler(console)
    return console


class Console(logging.Handler):
    """Prints Snakemake's messages, summed up from the start of a run on."""

    def __init__(self, plain: logging.Handler | None, settings: Any):
        super().__init__()
        self.plain = plain
        self.quiet = {kind.name.lower() for kind in settings.quiet or ()}
        self.is_dry = settings.dryrun
        detailed = settings.dryrun or settings.verbose or settings.debug_dag or settings.printshellcmds
        self.sums_up = plain is not None and not detailed
        self.screen = Screen(getattr(plain, "stream", sys.stderr))
        self.run: Run | None = None
        self._reminders: list[str] = []
        self._said: set[str] = set()
        self._ended = threading.Event()

    def remind(self, lines: Iterable[str]) -> None:
        """Print lines under `mind:` at the end of the run."""
        self._reminders += lines

    def emit(self, record: logging.LogRecord) -> None:
        """Note what a message says of the run, and print it where it is not summed up."""
        try:
            self._take(record)
        except Exception:  # print this message and all later ones as Snakemake does, rather than hide one
            self.sums_up = False
            self.handleError(record)
            self._print_as_snakemake(record)

    def close(self) -> None:
        """End the run: print what to keep in mind, and the errors last."""
        with self.lock:
            if self.run is not None and not self._ended.is_set():
                self._ended.set()
                self._print_end()
        if self.plain is not None:
            self.plain.close()
        super().close()

    def _take(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", None) == "workflow_started" and not self.is_dry:
            self._start()
        if self.run is not None:
            self.run.note(record)
        if self.run is None or not self.sums_up:
            if not (self.sums_up and str(record.msg).startswith(SHARED)):
                self._print_as_snakemake(record)
        elif line := self._summarize(record):
            is_problem = record.levelno >= logging.WARNING
            self.screen.print(self.plain.decorate(record, line) if is_problem else line)  # in colour

    def _print_end(self) -> None:
        try:
            self.screen.clear()
            for text in self._describe_end():
                self.screen.print(text)
        except Exception:  # Snakemake ignores what is raised while it closes its handlers
            traceback.print_exc()

    def _start(self) -> None:
        self.run = Run()
        if self.sums_up and not self.quiet & {"all", "progress"}:
            threading.Thread(target=self._refresh, daemon=True).start()

    def _refresh(self) -> None:
        """Show the progress again and again, until the run ends. The logs of jobs are read without holding the lock."""
        while not self._ended.wait(INTERVAL):
            step = self.run.describe_step()
            with self.lock:
                if self._ended.is_set():
                    return
                if self.run.total:
                    self.screen.show([self.run.describe_progress(), step or "waiting"])

    def _print_as_snakemake(self, record: logging.LogRecord) -> None:
        """Print by Snakemake's own handler. --quiet all hides no error."""
        if self.plain is None:
            return
        if record.levelno >= logging.ERROR and "all" in self.quiet:
            self.plain.emit(record)
        else:
            self.plain.handle(record)

    def _summarize(self, record: logging.LogRecord) -> str | None:
        """The line of a message that is shown during the run, or None."""
        event = getattr(record, "event", None)
        if "all" in self.quiet and (record.levelno < logging.ERROR or event is not None):
            return None
        if event == "run_info" and "progress" not in self.quiet:
            return f"{self.run.total:,} jobs to run"
        if event == "job_error" and len(self.run.failures) <= NOTED and not self.run.is_interrupted:
            return self.run.failures[record.jobid].job.describe("failed")
        if event is not None or (self.run.failures and record.getMessage().startswith(REPEATED)):
            return None
        is_own = not record.pathname.endswith(".py")  # logged by a file of rules
        if record.levelno < logging.WARNING and not is_own and not record.getMessage().startswith(SHOWN):
            return None
        if record.getMessage() in self._said:  # executors warn again for every job
            return None
        self._said.add(record.getMessage())
        return record.getMessage()

    def _describe_end(self) -> list[str]:
        """The last texts of a run: how it ended, what to keep in mind, errors."""
        run, texts = self.run, []
        errors = [*describe_failures(run.failures.values()), *run.other_errors()]
        if "all" in self.quiet:
            return errors
        if run.total and self.sums_up:
            texts.append(run.describe_end())
        reminders = [*self._reminders, *describe_warnings(run.ended_jobs())]
        if reminders:
            texts.append("\n".join(["mind:", *(textwrap.indent(line, "  ") for line in reminders)]))
        return texts + errors
