"""A short name for everything that an encoder's vectors depend on."""

import hashlib
import json


def fingerprint(provenance: dict) -> str:
    """16 hex digits that are the same for equal dependencies: the start of the SHA-256 of their sorted JSON.

    >>> fingerprint({"device": "cpu", "seed": 3}) == fingerprint({"seed": 3, "device": "cpu"})
    True
    """
    return hashlib.sha256(json.dumps(provenance, sort_keys=True).encode()).hexdigest()[:16]
