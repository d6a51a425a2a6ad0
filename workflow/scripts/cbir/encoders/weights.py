"""Weight files: where they are, how they are fetched from where they are published, and whether they are right."""

import logging
import shutil
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import GatedRepoError, HTTPError

from cbir.download import check_hash, download, download_file, explain_failure, hash_file
from cbir.errors import InputError
from cbir.files import whole_file

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
    actual = hash_file(path, "sha256")
    if expected and actual != expected:
        raise InputError(f"{path}: SHA-256 {actual}, the catalogue says {expected}; delete the file and fetch it again")
    return actual


def fetch_file(source: dict, target: Path) -> None:
    """Download a file to `target`. It appears there complete and with the right checksum, or not at all.

    source: where the file is published, as `list_files` of the catalogue gives it. A download that an earlier call
    left unfinished is continued.

    Raises InputError that names the file and its source if the file cannot be fetched or has another checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if "member" in source:
        _fetch_member(source, target)
    elif "repository" in source:
        _fetch_from_repository(source, target)
    else:
        download_file(source["url"], target, lambda fetched: _check_fetched(fetched, source, target))


def _fetch_member(source: dict, target: Path) -> None:
    """Download a zip archive, and extract one file of it to `target`."""
    archive = target.with_name(PurePosixPath(urlsplit(source["url"]).path).name)
    with explain_failure(target, source["url"]):
        log.info("fetching %s from %s", target, source["url"])
        download(source["url"], archive)
        with whole_file(target) as extracted:
            extract_member(archive, source["member"], extracted)
            _check_fetched(extracted, source, target)


def _fetch_from_repository(source: dict, target: Path) -> None:
    """Download a file of a repository of Hugging Face to `target`."""
    options = {"revision": source["revision"], "local_dir": target.parent}
    with explain_failure(target, describe_source(source), HTTPError):
        log.info("fetching %s from %s", target, describe_source(source))
        try:
            fetched = Path(hf_hub_download(source["repository"], source["file"], **options))
        except GatedRepoError as error:
            raise InputError(
                f"{target}: accept the licence at {describe_source(source)} and log in (hf auth login), or put the "
                "file there by hand"
            ) from error
        try:
            _check_fetched(fetched, source, target)
        except InputError:
            fetched.unlink()
            raise
        fetched.replace(target)


def _check_fetched(path: Path, source: dict, target: Path) -> None:
    """Raise InputError if the catalogue knows the file's SHA-256, and it is another."""
    if expected := source.get("sha256"):
        remedy = "correct the SHA-256 of the entry's weights in the catalogue, or put the file there by hand"
        check_hash(path, "sha256", expected, f"{target}: {describe_source(source)}", remedy)


def describe_source(source: dict) -> str:
    """Where a file is published, for people.

    >>> describe_source({"repository": "microsoft/rad-dino", "file": "model.safetensors", "revision": "main"})
    'https://huggingface.co/microsoft/rad-dino at main'
    """
    if "repository" in source:
        return f"https://huggingface.co/{source['repository']} at {source['revision']}"
    return source["url"]


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
