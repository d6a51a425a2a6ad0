"""Weight files from where they are published: a Hugging Face repository, or a URL."""

import http.client
import logging
import shutil
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import GatedRepoError, HTTPError

from cbir.encoders.weights import check_weights
from cbir.errors import InputError

ATTEMPTS = 5  # of a download that breaks off; each goes on where the last one ended
PAUSE = 5  # seconds between two attempts
TIMEOUT = 60  # seconds without a byte
CHUNK = 1 << 20  # bytes
log = logging.getLogger(__name__)


def fetch_file(source: dict, target: Path) -> None:
    """Bring a file to `target`, whole and with the right checksum, or not at all.

    source: as `list_files` gives it. What an earlier call left unfinished is continued. Raises InputError that names
    the file, its place and its source where it can't be had, and where it has another checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    log.info("fetching %s from %s", target, describe_source(source))
    try:
        if "repository" in source:
            fetched = Path(
                hf_hub_download(
                    source["repository"], source["file"], revision=source["revision"], local_dir=target.parent
                )
            )
        elif "member" in source:
            archive = target.with_name(PurePosixPath(urlsplit(source["url"]).path).name)
            fetched = extract_member(download(source["url"], archive), source["member"], target)
        else:
            fetched = download(source["url"], target.with_name(f"{target.name}.partial"))
    except GatedRepoError as error:
        raise InputError(
            f"{target}: accept the licence at {describe_source(source)} and log in (hf auth login), or put the file "
            "there by hand"
        ) from error
    except (OSError, HTTPError, http.client.HTTPException) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{target}: can't be fetched from {describe_source(source)} ({reason}); put the file there by hand"
        ) from error
    try:
        check_weights(fetched, source.get("sha256"))
    except InputError:
        fetched.unlink()
        raise
    fetched.replace(target)


def describe_source(source: dict) -> str:
    """Where a file is published, for people."""
    if "repository" in source:
        return f"https://huggingface.co/{source['repository']} at {source['revision']}"
    return source["url"]


def download(url: str, partial: Path) -> Path:
    """Download into `partial`, from where it ends, until it is complete; returns it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue_download(url, partial)
            return partial
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or attempt == ATTEMPTS:
                raise
            partial.unlink()  # longer than the file: not a part of it
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            if attempt == ATTEMPTS:
                raise
            log.info("%s: broke off, trying again", url)
            time.sleep(PAUSE)
    return partial


def _continue_download(url: str, partial: Path) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        continued = response.status == http.HTTPStatus.PARTIAL_CONTENT
        expected = int(response.headers["Content-Length"]) + (done if continued else 0)
        with partial.open("ab" if continued else "wb") as file:
            shutil.copyfileobj(response, file, CHUNK)
    if partial.stat().st_size < expected:
        raise ConnectionError(f"{partial.stat().st_size} of {expected} bytes")


def extract_member(archive: Path, member: str, target: Path) -> Path:
    """Extract one file of a zip archive beside `target`, and delete the archive; returns the extracted file."""
    extracted = target.with_name(f"{target.name}.partial")
    try:
        with zipfile.ZipFile(archive) as files, files.open(member) as source, extracted.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
    except (zipfile.BadZipFile, KeyError) as error:
        archive.unlink()
        raise InputError(f"{archive}: no archive with {member} in it ({error}); fetch it again") from error
    archive.unlink()
    return extracted
