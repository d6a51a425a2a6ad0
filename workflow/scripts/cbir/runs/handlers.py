"""What happens when a run starts and ends, also where this workflow is a module of another one."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from cbir.files import delete_partial_files
from cbir.runs.lock import lock_results
from cbir.runs.record import record_end, record_start

MainHandler = Callable[[Any], None]  # takes the path of Snakemake's log

_locks: dict[Path, TextIO] = {}  # the results folders in which this process writes, with their locks


def start_run(results: Path, config: dict, project: Path) -> None:
    """Lock a results folder, delete what killed processes left there, and begin the record of the run.

    Does nothing if this process has started the run already: Snakemake reads a module once for each `use rule`.
    Raises InputError if another run has the folder.
    """
    if results.resolve() in _locks:
        return
    lock = lock_results(results)
    _locks[results.resolve()] = lock
    delete_partial_files(results)
    record_start(results, config, project)


def end_run(results: Path, outcome: str) -> None:
    """Record how a run ended, if this process has started it."""
    if results.resolve() in _locks:
        record_end(results, outcome)


def add_handlers(workflow: Any, **handlers: Callable[[], None]) -> None:
    """Let the handlers of a module run, each before that of the main workflow, wherever this one is written.

    Snakemake calls the handlers of the main workflow only. workflow: Snakemake's object of that name. handlers: by
    event, which is `onstart`, `onsuccess` or `onerror`.
    """
    for event, handler in handlers.items():
        setattr(workflow, f"_{event}", _join(handler, getattr(workflow, f"_{event}")))
        setattr(workflow, event, partial(_register, workflow, getattr(workflow, event), handler))


def _register(
    workflow: Any, register: Callable[[MainHandler], None], handler: Callable[[], None], other: MainHandler
) -> None:
    """Register a handler that follows in a Snakefile. That of the main workflow is joined with that of the module."""
    register(_join(handler, other) if workflow.modifier.is_main_snakefile() else other)


def _join(handler: Callable[[], None], other: MainHandler) -> MainHandler:
    def handle(log: Any) -> None:
        handler()
        other(log)

    return handle
