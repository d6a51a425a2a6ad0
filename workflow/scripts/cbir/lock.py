"""A lock on a results folder: one run at a time writes there, and a run that was killed leaves no lock behind."""

import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from cbir.errors import InputError


def lock_results(results: Path) -> TextIO:
    """Take the folder for this process until it ends, however it ends; keep the returned file open.

    Raises InputError that names the run that has the folder.
    """
    results.mkdir(parents=True, exist_ok=True)
    path = results / ".lock"
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise InputError(
            f"{results} is in use by another run ({file.read().strip()}); wait for it, or give this one another "
            "results folder"
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file
