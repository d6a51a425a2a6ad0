"""The embedding step: images through an encoder into an embedding file, at the encoder's own speed."""

import ctypes
import logging
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

from cbir.embeddings.files import create_embeddings, find_unnormalized
from cbir.encoders.image_encoder import Encoder
from cbir.errors import InputError, listing
from cbir.images.reading import read_image

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h
PROGRESS_INTERVAL = 60  # seconds between two lines of progress
log = logging.getLogger(__name__)


def embed_images(encoder: Encoder, images: pd.DataFrame, output: str | Path, batch_size: int, threads: int) -> None:
    """Embed images into `output`: float32 (n, d), unit norm, row i for row i of `images`.

    images: manifest rows, of which `path` and `frame` are read. batch_size: images of 224 x 224 pixels a forward pass;
    of larger inputs as many fewer. Worker processes read batches ahead while the encoder runs on `threads` threads.
    Progress goes to this module's log, a line a minute. Raises InputError that lists every image that can't be read or
    has no embedding; no output is written then.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    batch_size = scale_batch(batch_size, encoder.side)
    loader = make_loader(encoder, images, batch_size, threads)
    log.info("embedding %d images on %s, %d threads, batches of %d", len(images), encoder.device, threads, batch_size)
    problems: list[str] = []
    computed = 0.0  # seconds
    started = reported = time.monotonic()
    with create_embeddings(output, len(images), encoder.dimensions) as embeddings:
        done = 0
        for rows, batch, unreadable in loader:
            problems += unreadable
            if not problems:
                begun = time.monotonic()
                vectors = encoder.forward(batch).numpy()
                computed += time.monotonic() - begun
                embeddings[rows] = vectors
                problems += [f"{images['path'].iloc[rows[i]]}: no embedding" for i in find_unnormalized(vectors)]
            done += len(rows) + len(unreadable)
            if time.monotonic() - reported >= PROGRESS_INTERVAL or done == len(images):
                reported = time.monotonic()
                log.info(describe_progress(done, len(images), reported - started))
        log.info("the encoder waited for images for %.0f %% of the time", 100 * (1 - computed / (reported - started)))
        if problems:
            raise InputError(
                f"{len(problems)} images can't be embedded; mend them or leave them out:{listing(problems)}"
            )


def scale_batch(batch_size: int, side: int) -> int:
    """The images of `side` x `side` pixels that take the memory of `batch_size` of 224 x 224, but no more of them."""
    return max(1, batch_size * 224**2 // max(side, 224) ** 2)


def keep_freed_memory() -> None:
    """Let this process keep the memory that a layer's output frees for the next one, where the C library is glibc.

    glibc gives blocks above 32 MB back to the system and asks for them again, and each page of them faults anew: two
    thirds of an EfficientNet's time at 64 images a batch. Parameters as in mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    glibc = ctypes.CDLL(None)
    for parameter, value in {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 * 2**20}.items():
        glibc.mallopt(parameter, value)


def describe_progress(done: int, total: int, seconds: float) -> str:
    """Images done, images a second and time left, in a line."""
    left = round(seconds / done * (total - done))
    return (
        f"{done:,} of {total:,} images, {done / seconds:.1f} images/s, "
        f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
    )


def make_loader(encoder: Encoder, images: pd.DataFrame, batch_size: int, threads: int) -> DataLoader:
    """Batches in order: rows (b,) int64, images (b, 3, h, w) float32, and the messages of unreadable ones."""
    batches = -(-len(images) // batch_size)
    readers = max(1, threads // 2) if encoder.device.type == "cpu" else threads  # the CPU has an encoder to run as well
    return DataLoader(
        ImageDataset(images, encoder.preprocess, encoder.size),
        batch_size=batch_size,
        collate_fn=collate_readable,
        num_workers=min(readers, batches),
        multiprocessing_context="fork" if sys.platform == "linux" else None,  # spawned workers import torch for seconds
        pin_memory=encoder.device.type == "cuda",
    )


class ImageDataset(Dataset):
    """The preprocessed images of manifest rows; in place of an unreadable one, the message that says why."""

    def __init__(self, images: pd.DataFrame, preprocess: Callable[[np.ndarray], torch.Tensor], size: int):
        self.paths = images["path"].to_numpy(dtype=object)
        self.frames = images["frame"].to_numpy()
        self.preprocess = preprocess
        self.size = size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[int, torch.Tensor | str]:
        try:
            return row, self.preprocess(read_image(self.paths[row], int(self.frames[row]), self.size))
        except InputError as error:
            return row, str(error)


def collate_readable(items: list[tuple[int, torch.Tensor | str]]) -> tuple[np.ndarray, torch.Tensor, list[str]]:
    """A batch of the readable images with their rows, and the messages of the others."""
    readable = [(row, image) for row, image in items if isinstance(image, torch.Tensor)]
    rows = np.array([row for row, _ in readable], dtype=np.int64)
    batch = torch.stack([image for _, image in readable]) if readable else torch.empty(0)
    return rows, batch, [message for _, message in items if isinstance(message, str)]
