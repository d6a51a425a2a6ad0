"""Keyed hashes in place of patient ids, for results that leave the hospital."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import pandas as pd

from cbir.errors import InputError

KEY_BYTES = 32


def read_key(path: str | Path) -> bytes:
    """The secret key in a file of which only the owner may know; a new random one where there is no file.

    Keep it outside the results: who has the key can test whether a patient is in them. Raises InputError where the file
    cannot be read or written or is too short for a key.
    """
    path = Path(path).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_bytes()
        else:
            key = secrets.token_bytes(KEY_BYTES)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
    except OSError as error:
        raise InputError(f"cannot use {path} as the key of patient ids ({error}); set patient_key to a file") from error
    if len(key) < KEY_BYTES:
        raise InputError(f"{path} holds {len(key)} bytes, a key has {KEY_BYTES} or more; delete it for a new one")
    return key


def hash_patients(manifest: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """The manifest with keyed hashes (HMAC-SHA256) for `patient_id` and `image_id`, sorted by the new `image_id`.

    An image id holds the patient's id in most datasets, so it is hashed too. `path` and `mask` stay, since they open
    the images: a manifest is no file to pass on, whereas tables and figures name images by id only. Equal ids have
    equal hashes under one key, also across datasets.
    """
    hashed = {
        column: manifest[column].map(_hashes(manifest[column].unique(), column, key))
        for column in ("patient_id", "image_id")
    }
    return manifest.assign(**hashed).sort_values("image_id", ignore_index=True)


def _hashes(values: pd.api.extensions.ExtensionArray, column: str, key: bytes) -> pd.Series:
    """The hash of each value, different for the same value in another column; 32 hexadecimal digits."""
    digests = [hmac.digest(key, f"{column}\0{value}".encode(), hashlib.sha256).hex()[:32] for value in values]
    return pd.Series(digests, index=values, dtype="str")
