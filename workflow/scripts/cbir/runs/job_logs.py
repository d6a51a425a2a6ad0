"""The logs of jobs, as a run reads them: the last step, the warnings, the error."""

import re
from pathlib import Path

from cbir.runs.by_hand import HEAD

FORMAT = "%(asctime)s %(levelname)s %(message)s"
# beginning of an entry in FORMAT; the following lines without such a beginning belong to the entry
ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) ", re.MULTILINE)
# bytes at the end of a log in which the last entry is searched
TAIL = 4096


def read_entries(text: str) -> list[tuple[str, str]]:
    """Level and message of each entry of a log; lines before the first entry are left out.

    >>> read_entries("2026-01-01 09:00:00,000 WARNING two patients:\\n  a\\n  A\\n2026-01-01 09:00:01,000 INFO done\\n")
    [('WARNING', 'two patients:\\n  a\\n  A'), ('INFO', 'done')]
    """
    _, *parts = ENTRY.split(text)
    return [(level, message.rstrip()) for level, message in zip(parts[::2], parts[1::2], strict=True)]


def read_log(path: str | Path) -> list[tuple[str, str]]:
    """Level and message of each entry of a job's log; empty where the file is missing."""
    try:
        return read_entries(Path(path).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


def read_last_step(path: str | Path) -> str:
    """First line of the last entry of the log of a running job; empty where the job has logged no step yet."""
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL))
            entries = read_entries(file.read().decode("utf-8", errors="replace"))
    except OSError:
        return ""
    if size <= TAIL:
        entries = entries[1:]  # the first entry says which job it is
    steps = [message for _, message in entries if not message.startswith(HEAD)]
    return steps[-1].partition("\n")[0] if steps else ""


def read_tail(path: str | Path, lines: int) -> list[str]:
    """The last lines of a log, as they are; empty where the file is missing."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []
