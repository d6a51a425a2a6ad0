"""The vector store: what an encoder made of every distinct image, kept by the pixels that the image shows.

A store is a folder for one encoder and all that its vectors depend on. It holds segments. A segment is a file to which
one process appends records, each the hash of an image's pixels, its vector of unit norm and the norm of its features.
Nothing in a segment is ever changed, so
a killed process loses at most the batch that it was writing, and processes cannot disturb each other. Labels, splits
and paths play no part: an image that is relabelled, moved or listed by another dataset is not embedded again.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.blocks import blocks
from cbir.embeddings.cost import add_costs
from cbir.embeddings.files import BLOCK, create_embeddings, find_unnormalized, find_unusable_norms
from cbir.encoders.fingerprint import fingerprint
from cbir.errors import InputError
from cbir.files import set_aside, whole_file

SUFFIX = ".vectors"


def name_store(provenance: dict) -> str:
    """The name of the store of the vectors that depend on `provenance`.

    It also depends on the layout of the records, so that records of another layout are never read as if they had this
    one: they are in a store of another name.
    """
    layout = _record_type(provenance["model"]["dimensions"]).descr
    return fingerprint({"provenance": provenance, "layout": layout})


def pixel_keys(hashes: Sequence[str]) -> np.ndarray:
    """The keys of a store, (n,) 16 bytes each, from pixel hashes in hexadecimal digits."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), "S16")


def open_segment(path: Path, dimensions: int) -> np.ndarray:
    """The records of a segment as a read-only memory map.

    Their fields are `pixels`, 16 bytes, `vector`, float32 (dimensions,), and `norm`, float32.
    A record at the end that a killed process left unfinished is left out.
    """
    record = _record_type(dimensions)
    records = path.stat().st_size // record.itemsize
    return np.memmap(path, record, "r", shape=(records,)) if records else np.empty(0, record)


def list_segments(store: Path) -> list[Path]:
    """The segments of a store, the oldest first."""
    return sorted(store.glob(f"*{SUFFIX}"))


def find_vectors(store: Path, dimensions: int, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the vectors of some images are: the segment's place in list_segments and the record in it, (n,) int64 each.

    keys: (n,) as pixel_keys gives them. Both are -1 for an image that is not in the store.
    """
    known = [np.array(open_segment(path, dimensions)["pixels"]) for path in list_segments(store)]
    segment = np.repeat(np.arange(len(known)), [len(part) for part in known])
    record = np.concatenate([np.arange(len(part)) for part in known] or [np.empty(0, np.int64)])
    place = pd.Index(np.concatenate(known or [np.empty(0, "S16")]).astype(object))
    first = ~place.duplicated()
    found = place[first].get_indexer(pd.Index(keys.astype(object)))
    missing = found < 0
    segment, record = (np.append(part[first], -1)[found].astype(np.int64) for part in (segment, record))
    segment[missing] = record[missing] = -1
    return segment, record


@contextmanager
def append_vectors(
    store: Path, dimensions: int, setting: dict
) -> Iterator[Callable[[np.ndarray, np.ndarray, np.ndarray], None]]:
    """Open a new segment of a store. Yields a function that appends images to it.

    The function takes the keys of images, (n,) as pixel_keys gives them, their vectors, (n, dimensions) float32, and
    the norms of their features, (n,) float32. setting: device, precision, batch_size and threads. With the time that
    the images took they are kept beside the segment, for the cost of an image.
    """
    store.mkdir(parents=True, exist_ok=True)
    path = store / f"{time.time_ns()}-{socket.gethostname()}-{os.getpid()}{SUFFIX}"
    start, images = time.monotonic(), 0
    with path.open("xb", buffering=0) as file:

        def append(keys: np.ndarray, vectors: np.ndarray, norms: np.ndarray) -> None:
            nonlocal images
            records = np.empty(len(keys), _record_type(dimensions))
            records["pixels"], records["vector"], records["norm"] = keys, vectors, norms
            unwritten = memoryview(records.tobytes())
            while unwritten:
                unwritten = unwritten[file.write(unwritten) :]
            images += len(keys)
            cost = {"images": images, "seconds": time.monotonic() - start, "dimensions": dimensions, **setting}
            with whole_file(path.with_suffix(".json")) as partial:
                partial.write_text(json.dumps(cost))

        yield append


def join_embeddings(
    hashes: Sequence[str], records: Sequence[str | Path], vectors: str | Path, output: str | Path
) -> tuple[dict, pd.DataFrame, np.ndarray]:
    """Write the embeddings of a dataset, row i for the i-th pixel hash, from a store.

    records: the files that the dataset's embedding jobs left, each with `provenance`. vectors: the folder of all stores
    of the model, each named by name_store. Every vector that is written is checked to be of unit norm.

    Returns the provenance of the embeddings, their cost as cbir.embeddings.cost.add_costs gives it, and the norms of
    the features, (n,) float32. Raises InputError where the jobs ran in different settings, where vectors are missing,
    or where a segment is damaged. The next run then embeds what is missing.
    """
    found = [_read_record(path) for path in records]
    settings = [record["provenance"] for record in found]
    if len({name_store(setting) for setting in settings}) > 1:
        names = sorted(name for name in settings[0] if any(other.get(name) != settings[0][name] for other in settings))
        _delete(records)
        raise InputError(
            f"{output}: its parts were embedded with another {', '.join(names)}; run again to embed them all in the "
            "present setting. Where jobs run on several kinds of machines, set embedding.device to one device"
        )
    provenance = settings[0]
    dimensions, store = provenance["model"]["dimensions"], Path(vectors, name_store(provenance))
    segment, record = find_vectors(store, dimensions, pixel_keys(hashes))
    if (segment < 0).any():
        _delete(records)
        raise InputError(
            f"{store}: no vector of {(segment < 0).sum()} of {len(segment)} images; run again to embed them again"
        )
    paths, norms = list_segments(store), np.empty(len(segment), np.float32)
    with create_embeddings(output, len(segment), dimensions) as embeddings:
        step = max(1, BLOCK // dimensions)
        for rows in blocks(len(segment), step):
            for used in np.unique(segment[rows]):
                here = rows.start + np.flatnonzero(segment[rows] == used)
                known = open_segment(paths[used], dimensions)
                embeddings[here], norms[here] = known["vector"][record[here]], known["norm"][record[here]]
            bad = np.union1d(find_unnormalized(embeddings[rows]), find_unusable_norms(norms[rows]))
            if len(bad):
                _delete(records)
                raise set_aside(paths[segment[rows.start + bad[0]]], "a vector that is not of unit norm, or its norm")
    costs = [json.loads(paths[used].with_suffix(".json").read_text()) for used in np.unique(segment)]
    return provenance, add_costs(pd.DataFrame(costs)), norms


def _delete(records: Sequence[str | Path]) -> None:
    """Delete the records of embedding jobs, so that the next run starts these jobs again."""
    for path in records:
        Path(path).unlink(missing_ok=True)


def _read_record(path: str | Path) -> dict:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise set_aside(path, f"no record of an embedding job ({error})") from error


def _record_type(dimensions: int) -> np.dtype:
    return np.dtype([("pixels", "S16"), ("vector", "<f4", (dimensions,)), ("norm", "<f4")])
