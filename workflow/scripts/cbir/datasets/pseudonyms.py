"""Keyed hashes that replace patient ids, for results that leave the hospital."""

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

import pandas as pd

from cbir.errors import InputError

KEY_BYTES = 32


def read_key(path: str | Path) -> bytes:
    """Read the secret key of the patient ids from a file, or make the file with a new random key.

    Only the owner can read the new file. It appears with its whole content, and of several jobs that make it at the
    same time, all return the key of the first. Keep the file outside the results: with the key, one can test whether a
    patient is in them.

    Raises InputError where the file cannot be read or written, or is too short for a key.
    """
    path = Path(path).expanduser()
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot use {path} as the key of patient ids ({error}); set patient_key to a file") from error
    if len(key) < KEY_BYTES:
        raise InputError(f"{path} holds {len(key)} bytes, a key has {KEY_BYTES} or more; delete it for a new one")
    return key


def _make_key(path: Path) -> None:
    """Write a new random key, unless another process writes one first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A temporary file can be read by its owner only. Unlike a renamed file, a link never replaces another job's key.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def hash_patients(manifest: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Replace `patient_id` and `image_id` by keyed hashes (HMAC-SHA256), and sort by the new `image_id`.

    In most datasets the image id contains the patient's id, so it is hashed too. `path` and `mask` stay because they
    are needed to open the images. The manifest itself must therefore stay in the hospital; tables and figures can leave
    it, since they name images by their id only. With the same key, equal ids have equal hashes, also across datasets.
    """
    hashed = {
        column: manifest[column].map(_hashes(manifest[column].unique(), column, key))
        for column in ("patient_id", "image_id")
    }
    return manifest.assign(**hashed).sort_values("image_id", ignore_index=True)


def _hashes(values: pd.api.extensions.ExtensionArray, column: str, key: bytes) -> pd.Series:
    """Hash each value to 32 hexadecimal digits. The same value has another hash in another column."""
    digests = [hmac.digest(key, f"{column}\0{value}".encode(), hashlib.sha256).hex()[:32] for value in values]
    return pd.Series(digests, index=values, dtype="str")
