"""Files that are fetched from where they are published: continued after a break, and checked before they are kept."""

import fcntl
import hashlib
import http.client
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cbir.errors import InputError

ATTEMPTS = 5  # number of times that an interrupted download is continued, the first attempt included
PAUSE = 5  # seconds between two attempts
TIMEOUT = 60  # seconds without a byte after which a download counts as interrupted
CHUNK = 2**20  # bytes copied at a time
# names of the hashes in messages
HASHES = {"sha256": "SHA-256", "md5": "MD5", "git_blob": "git blob hash"}
log = logging.getLogger(__name__)


def hash_file(path: Path, kind: str) -> str:
    """Hash the content of a file, in hex.

    kind: "sha256", "md5", or "git_blob", the name that git gives to the content: the SHA-1 of a header with the size in
    bytes, followed by the content (Pro Git, chapter 10.2).
    """
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode()) if kind == "git_blob" else hashlib.new(kind)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()


def check_hash(path: Path, kind: str, expected: str, found: str, remedy: str) -> None:
    """Raise InputError if the content of a file has another hash than the expected one.

    found: the file or its source, as the message names it. remedy: what the user can do.
    """
    if (actual := hash_file(path, kind)) != expected:
        raise InputError(f"{found} has {HASHES[kind]} {actual}, not {expected}; {remedy}")


def download_file(url: str, target: Path, check: Callable[[Path], None]) -> None:
    """Download a file to `target`. It appears there complete and checked, or not at all.

    check: raises InputError for a file with the wrong content, which is then deleted. A download that an earlier call
    left unfinished is continued. Of several processes that fetch the same file, one downloads it and the others wait.

    Raises InputError that names the file and the address if the file cannot be fetched.
    """
    with explain_failure(target, url):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        with _locked(partial):
            if target.is_file():  # another process was faster
                return
            log.info("fetching %s from %s", target, url)
            download(url, partial)
            try:
                check(partial)
            except InputError:
                partial.unlink()
                raise
            partial.replace(target)


@contextmanager
def explain_failure(target: Path, place: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of the network and of the disk into an InputError that names the file and where it is published.

    kinds: further errors that mean that the file could not be fetched.
    """
    try:
        yield
    except (OSError, http.client.HTTPException, *kinds) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"{target}: can't be fetched from {place} ({reason}); put the file there by hand") from error


@contextmanager
def _locked(partial: Path) -> Iterator[None]:
    """Lock an unfinished file for this process. An empty one is deleted at the end.

    Where the file system has no locks, this is only logged.
    """
    while True:
        with partial.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:  # some cluster file systems have no locks
                log.warning("%s: no lock (%s); make sure that no other run fetches it", partial, error.strerror)
            if not _is_open_as(partial, file):  # the process that had the lock renamed or deleted what is locked here
                continue
            try:
                yield
            finally:
                if _is_open_as(partial, file) and not partial.stat().st_size:
                    partial.unlink()
            return


def _is_open_as(path: Path, file: BinaryIO) -> bool:
    """Whether the path leads to the open file."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False


def download(url: str, partial: Path) -> None:
    """Download a file into `partial`, continuing where `partial` ends, until it is complete.

    Raises what urllib raises after the last attempt.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _continue_download(url, partial)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or attempt == ATTEMPTS:
                raise
            partial.write_bytes(b"")  # longer than the published file, so not a part of it
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            if attempt == ATTEMPTS:
                raise
            log.info("%s: interrupted, trying again", url)
            time.sleep(PAUSE)
    return None


def _continue_download(url: str, partial: Path) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        continued = response.status == http.HTTPStatus.PARTIAL_CONTENT
        with partial.open("ab" if continued else "wb") as file:
            shutil.copyfileobj(response, file, CHUNK)
        length = response.headers["Content-Length"]  # missing where the server does not know it
    expected = (done if continued else 0) + int(length or 0)
    if partial.stat().st_size < expected:
        raise ConnectionError(f"{partial.stat().st_size} of {expected} bytes")
