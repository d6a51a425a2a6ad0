"""Embed images: those whose vectors a store does not hold yet, at the encoder's own speed."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

from cbir.embeddings.files import find_unnormalized
from cbir.embeddings.memory import keep_freed_memory
from cbir.embeddings.vectors import append_vectors, find_vectors, pixel_keys
from cbir.encoders.image_encoder import Encoder
from cbir.errors import InputError, listing
from cbir.images.file_states import file_state
from cbir.images.reading import read_image

PROGRESS_INTERVAL = 60  # seconds between two lines of progress
log = logging.getLogger(__name__)


def embed_images(encoder: Encoder, pixels: pd.DataFrame, store: Path, batch_size: int, threads: int) -> int:
    """Embed the images whose vectors a store does not hold yet, and append them to it. Returns their number.

    pixels: `pixel_hash, path, frame, file_state`, one row per distinct image. batch_size: 224 × 224 images per forward
    pass; larger inputs have smaller batches. Worker processes read batches ahead while the encoder runs on `threads`
    threads.

    The store gets every batch as soon as it is computed, so a killed job goes on with the batch where it was. Progress
    goes to this module's log, one line per minute. Raises InputError that lists every image that can't be read, has no
    embedding, or was changed since its pixels were hashed.
    """
    keys = pixel_keys(pixels["pixel_hash"])
    missing = np.flatnonzero(find_vectors(store, encoder.dimensions, keys)[0] < 0)
    log.info("%d of %d images are embedded already", len(keys) - len(missing), len(keys))
    if not len(missing):
        return 0
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    images, keys = pixels.iloc[missing], keys[missing]
    precision = str(encoder.precision).removeprefix("torch.")
    setting = {"device": encoder.device.type, "precision": precision, "batch_size": batch_size, "threads": threads}
    batch_size = scale_batch(batch_size, encoder.side)
    log.info("embedding %d images on %s, %d threads, batches of %d", len(images), encoder.device, threads, batch_size)
    problems: list[str] = []
    with append_vectors(store, encoder.dimensions, setting) as append:
        for rows, batch, unreadable in _report_progress(make_loader(encoder, images, batch_size, threads), len(images)):
            problems += unreadable
            if not len(rows):
                continue
            vectors, norms = (part.numpy() for part in encoder.forward(batch))
            bad = find_unnormalized(vectors)
            problems += [f"{images['path'].iloc[row]}: no embedding" for row in rows[bad]]
            append(*(np.delete(part, bad, axis=0) for part in (keys[rows], vectors, norms)))
    if problems:
        raise InputError(f"{len(problems)} images can't be embedded; fix them or leave them out:{listing(problems)}")
    return len(images)


def _report_progress(loader: DataLoader, total: int) -> Iterator[tuple[np.ndarray, torch.Tensor, list[str]]]:
    """The loader's batches; logs the progress once per interval, and at the end how long the encoder waited."""
    started = reported = asked = time.monotonic()
    done, waited = 0, 0.0
    for rows, batch, unreadable in loader:
        waited += time.monotonic() - asked
        yield rows, batch, unreadable
        done += len(rows) + len(unreadable)
        asked = time.monotonic()
        if asked - reported >= PROGRESS_INTERVAL or done == total:
            reported = asked
            log.info(describe_progress(done, total, reported - started))
    log.info("the encoder waited for images for %.0f %% of the time", 100 * waited / (time.monotonic() - started))


def scale_batch(batch_size: int, side: int) -> int:
    """Batch size for inputs of `side` × `side` pixels that uses about as much memory as `batch_size` of 224 × 224.

    Never larger than `batch_size`.

    >>> scale_batch(64, 448)
    16
    """
    return max(1, batch_size * 224**2 // max(side, 224) ** 2)


def describe_progress(done: int, total: int, seconds: float) -> str:
    """Images done, images per second and time left, in one line.

    >>> describe_progress(1200, 3600, 60)
    '1,200 of 3,600 images, 20.0 images/s, 0:02:00 left'
    """
    left = round(seconds / done * (total - done))
    return (
        f"{done:,} of {total:,} images, {done / seconds:.1f} images/s, "
        f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
    )


def make_loader(encoder: Encoder, images: pd.DataFrame, batch_size: int, threads: int) -> DataLoader:
    """Batches in order: rows (b,) int64, images (b, 3, h, w) float32, and the messages of unreadable ones."""
    batches = -(-len(images) // batch_size)
    readers = max(1, threads // 2) if encoder.device.type == "cpu" else threads  # on a CPU the encoder needs cores too
    return DataLoader(
        ImageDataset(images, encoder.preprocess, encoder.size),
        batch_size=batch_size,
        collate_fn=collate_readable,
        num_workers=min(readers, batches),
        multiprocessing_context="fork" if sys.platform == "linux" else None,  # spawned workers import torch for seconds
        pin_memory=encoder.device.type == "cuda",
    )


class ImageDataset(Dataset):
    """The preprocessed images of some rows of `path, frame, file_state`.

    For an image that is unreadable, or whose file is not the inspected one any more, the message that says so.
    """

    def __init__(self, images: pd.DataFrame, preprocess: Callable[[np.ndarray], torch.Tensor], size: int):
        self.paths = images["path"].to_numpy(dtype=object)
        self.frames = images["frame"].to_numpy()
        self.states = images["file_state"].to_numpy(dtype=object)
        self.preprocess = preprocess
        self.size = size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[int, torch.Tensor | str]:
        path = self.paths[row]
        if file_state(path) != self.states[row]:
            return row, f"{path}: changed or gone since it was inspected; run again to look at it again"
        try:
            return row, self.preprocess(read_image(path, int(self.frames[row]), self.size))
        except InputError as error:
            return row, str(error)


def collate_readable(items: list[tuple[int, torch.Tensor | str]]) -> tuple[np.ndarray, torch.Tensor, list[str]]:
    """A batch of the readable images with their rows, and the messages of the others."""
    readable = [(row, image) for row, image in items if isinstance(image, torch.Tensor)]
    rows = np.array([row for row, _ in readable], dtype=np.int64)
    batch = torch.stack([image for _, image in readable]) if readable else torch.empty(0)
    return rows, batch, [message for _, message in items if isinstance(message, str)]
