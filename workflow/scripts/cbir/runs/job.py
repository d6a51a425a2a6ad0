"""A job of the workflow: its log, and its end where the input is bad."""

import logging
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cbir.errors import InputError
from cbir.runs.running import running_job
from cbir.runs.written import written_whole

log = logging.getLogger("cbir")


@contextmanager
def job(snakemake) -> Iterator[None]:
    """Log to the rule's log file; end with one clear message, without a traceback, where the user can mend it.

    While it lasts the job is listed as running; at its end the sizes of its output files are kept.
    """
    path, results = Path(snakemake.log[0]), Path(snakemake.config["results"])
    log.setLevel(logging.INFO)
    for handler in (logging.FileHandler(path, mode="w", encoding="utf-8"), *_terminal()):
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    start = time.monotonic()
    title = f"{snakemake.rule} {', '.join(f'{name}={value}' for name, value in snakemake.wildcards.items())}".rstrip()
    log.info("%s, threads %d, on %s", title, snakemake.threads, platform.node())
    try:
        with running_job(results, title), written_whole(snakemake.output, results):
            yield
    except InputError as error:
        log.error("%s", error)
        print(f"\n{snakemake.rule}: {error}\n(log: {path})\n", file=sys.stderr)
        sys.exit(1)
    except BaseException:
        log.exception("%s failed", snakemake.rule)
        raise
    log.info("done in %.1f s", time.monotonic() - start)


def _terminal() -> list[logging.Handler]:
    """Where somebody watches, the progress of the long step goes to the terminal too."""
    if not sys.stderr.isatty():
        return []
    handler = logging.StreamHandler()
    handler.addFilter(logging.Filter("cbir.embeddings.images"))
    return [handler]
