"""A lock on a results folder: one run at a time writes there, and a run that was killed leaves no lock behind."""

import fcntl
import getpass
import logging
import os
import socket
from pathlib import Path
from typing import TextIO

from cbir.errors import InputError

log = logging.getLogger(__name__)

LOCK = ".lock"


def lock_results(results: Path) -> TextIO:
    """Lock the folder for this process until it ends, however it ends; keep the returned file open.

    Raises InputError that names the run that has the folder, or the user who does not share it.
    """
    path = results / LOCK
    try:
        results.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except PermissionError as error:
        shared = path if path.exists() else next(folder for folder in path.parents if folder.exists())
        raise InputError(
            f"{error.filename}: {error.strerror}; {shared} belongs to {shared.owner()}: ask for write permission, or "
            "give this run another results folder"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise InputError(
            f"{results} is in use by another run ({file.readline().strip()}); wait for it, or give this one another "
            "results folder"
        ) from None
    except OSError as error:  # some cluster file systems have no locks
        log.warning("%s: no lock (%s); make sure that no other run writes there", results, error.strerror)
    file.truncate(0)
    file.write(f"process {os.getpid()} of {_user()} on {socket.gethostname()}\n")
    file.flush()
    return file


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return str(os.getuid())
