"""Weight files: where they are, how they are fetched from where they are published, and whether they are right."""

import hashlib
import http.client
import logging
import shutil
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import GatedRepoError, HTTPError

from cbir.errors import InputError
from cbir.files import whole_file

ATTEMPTS = 5  # number of times that an interrupted download is continued, the first attempt included
PAUSE = 5  # seconds between two attempts
TIMEOUT = 60  # seconds without a byte after which a download counts as interrupted
CHUNK = 2**20  # bytes copied at a time
log = logging.getLogger(__name__)


def find_weights(entry: dict, fetched: str | Path | None) -> tuple[Path | None, str | None]:
    """The weight file of a catalogue entry and its SHA-256, or None twice if the entry needs no file.

    fetched: the path of the fetched weight file; None if the entry's weights are in a package or random, or if there
    are none. Nothing here imports torch.

    Raises InputError if the file or the package is missing, or if the SHA-256 is not the catalogue's.

    >>> find_weights({"weights": {"seed": 0}}, None)
    (None, None)
    """
    weights = entry["weights"]
    if "package" in weights:
        path = find_packaged_weights(weights)
    elif fetched:
        path = Path(fetched)
    else:
        return None, None
    return path, check_weights(path, weights.get("sha256"))


def find_packaged_weights(weights: dict) -> Path:
    """The weight file inside an installed package, from a catalogue entry's `weights`. The package is not imported.

    Raises InputError if the package is not installed.
    """
    spec = find_spec(weights["package"])
    if spec is None:
        raise InputError(f"no Python package {weights['package']}; install it, envs/embed.yaml pins it")
    return Path(spec.submodule_search_locations[0]) / weights["file"]


def check_weights(path: Path, expected: str | None) -> str:
    """The SHA-256 of a weight file, in hex. Raises InputError if the file is missing or has not the expected one."""
    if not path.is_file():
        raise InputError(f"{path}: no such weights; run fetch_weights, or put the file there")
    actual = _sha256(path)
    if expected and actual != expected:
        raise InputError(f"{path}: SHA-256 {actual}, the catalogue says {expected}; delete the file and fetch it again")
    return actual


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_file(source: dict, target: Path) -> None:
    """Download a file to `target`. It appears there complete and with the right checksum, or not at all.

    source: where the file is published, as `list_files` of the catalogue gives it. A download that an earlier call
    left unfinished is continued.

    Raises InputError that names the file and its source if the file cannot be fetched or has another checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    log.info("fetching %s from %s", target, describe_source(source))
    try:
        if "member" in source:
            archive = download(source["url"], target.with_name(PurePosixPath(urlsplit(source["url"]).path).name))
            with whole_file(target) as extracted:
                extract_member(archive, source["member"], extracted)
                _check_fetched(extracted, source, target)
            return
        if "repository" in source:
            options = {"revision": source["revision"], "local_dir": target.parent}
            fetched = Path(hf_hub_download(source["repository"], source["file"], **options))
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
        _check_fetched(fetched, source, target)
    except InputError:
        fetched.unlink()
        raise
    fetched.replace(target)


def _check_fetched(path: Path, source: dict, target: Path) -> None:
    if source.get("sha256") and (actual := _sha256(path)) != source["sha256"]:
        raise InputError(
            f"{target}: {describe_source(source)} has SHA-256 {actual}, the catalogue says {source['sha256']}; correct "
            "the entry's weights, or put the file there by hand"
        )


def describe_source(source: dict) -> str:
    """Where a file is published, for people.

    >>> describe_source({"repository": "microsoft/rad-dino", "file": "model.safetensors", "revision": "main"})
    'https://huggingface.co/microsoft/rad-dino at main'
    """
    if "repository" in source:
        return f"https://huggingface.co/{source['repository']} at {source['revision']}"
    return source["url"]


def download(url: str, partial: Path) -> Path:
    """Download a file into `partial`, continuing where `partial` ends, until it is complete. Returns `partial`.

    Raises what urllib raises after the last attempt.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue_download(url, partial)
            return partial
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or attempt == ATTEMPTS:
                raise
            partial.unlink()  # longer than the published file, so not a part of it
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            if attempt == ATTEMPTS:
                raise
            log.info("%s: interrupted, trying again", url)
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


def extract_member(archive: Path, member: str, target: Path) -> None:
    """Extract one file of a zip archive to `target`, and delete the archive.

    Raises InputError if the archive is damaged or has no such member.
    """
    try:
        with zipfile.ZipFile(archive) as files, files.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        archive.unlink()
        raise InputError(f"{archive}: no archive with {member} in it ({error}); fetch it again") from error
    archive.unlink()
