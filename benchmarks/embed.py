"""The embedding step beside the bare forward pass: the ratio of their rates for each kind of file; bfloat16; memory.

    .venv/bin/python benchmarks/embed.py [--threads 2] [--rounds 3] [--images 128] [--batch 64] [--folder /scratch]

Each line is the median over rounds. Every round is a process of its own, as the workflow starts a job. It first runs
all of `embed_images`: start of the readers, reading, decoding, preprocessing, forward pass, writing. Then it runs the
bare forward pass on as many images: the same encoder, threads, precision and batch on tensors in memory. Then it runs
the readers alone; where their rate is below the bare rate, reading is the limit. The ViT-B/16 is that of vit-b16-in21k
with random weights, on 512-pixel files. EfficientNet-Lite0 gets eight times as many images. Memory is the peak of the
step after a dataset, and after one that is four times as large.
"""

import argparse
import json
import os
import resource
import tempfile
from copy import deepcopy
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pydicom
import torch
import transformers
from measuring import peak_memory, seconds, start_case
from PIL import Image

from cbir.embeddings.images import embed_images, make_loader
from cbir.embeddings.memory import keep_freed_memory
from cbir.encoders.image_encoder import Encoder, load_encoder
from cbir.experiment.catalogue import load_catalogue
from cbir.images.file_states import file_state

SIDE = 512  # pixels
DISTINCT = 64  # files of a kind, each read several times
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "DICOM": "dcm"}
VIT, LITE = "vit-b16-in21k", "efficientnet-lite0"
CATALOGUE = load_catalogue(Path(__file__).parents[1] / "workflow/models.yaml")


def write_files(folder: Path) -> None:
    """Noisy gradients with discs, as grey as radiographs, in three formats."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    for number in range(DISTINCT):
        image = 1500 + 2 * x + rng.normal(0, 60, x.shape)
        for row, column, radius in rng.integers(30, SIDE - 30, (12, 3)):
            image[(y - row) ** 2 + (x - column) ** 2 < (radius / 4) ** 2] += 300
        deep = image.clip(0, 4095).astype(np.uint16)
        shown = Image.fromarray((deep >> 4).astype(np.uint8))
        shown.save(folder / f"{number}.png")
        shown.save(folder / f"{number}.jpg")
        write_dicom(folder / f"{number}.dcm", deep)


def write_dicom(path: Path, pixels: np.ndarray) -> None:
    """A 12-bit MONOCHROME2 image with a window, uncompressed."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def load(model: str, precision: str, folder: Path) -> Encoder:
    """A model of the catalogue; the ViT with the random weights in `folder`."""
    weights = folder / "model.safetensors" if model == VIT else None
    return load_encoder(deepcopy(CATALOGUE[model]), weights, "cpu", precision)


def time_step(options: argparse.Namespace) -> dict[str, float]:
    """Images per second of the step, the bare forward pass and reading alone; the readers' share of the CPU time."""
    encoder = load(options.model, options.precision, options.folder)
    suffix = SUFFIXES[options.kind]
    paths = [str(options.folder / f"{row % DISTINCT}.{suffix}") for row in range(options.images)]
    hashes = [f"{row:032x}" for row in range(options.images)]  # all distinct, so that none is known already
    table = pd.DataFrame({"pixel_hash": hashes, "path": paths, "frame": 0, "file_state": list(map(file_state, paths))})
    store = options.folder / f"store-{os.getpid()}"
    before = processor_time()
    step = seconds(lambda: embed_images(encoder, table, store, options.batch, options.threads))
    own, readers = processor_time() - before
    peak = peak_memory()
    batch = torch.randn(options.batch, 3, encoder.side, encoder.side)
    bare = seconds(lambda: [encoder.forward(batch) for _ in range(options.images // options.batch)])
    reading = seconds(lambda: list(make_loader(encoder, table, options.batch, options.threads)))
    rates = {"step": options.images / step, "bare": options.images / bare, "reading": options.images / reading}
    return rates | {"ratio": bare / step, "share": readers / (own + readers), "peak": peak}


def processor_time() -> np.ndarray:
    """Seconds of processor time of this process, and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return np.array([usage.ru_utime + usage.ru_stime for usage in usages])


def time_precisions(options: argparse.Namespace) -> dict[str, float]:
    """How many times as fast bfloat16 is as float32, in turns, and the least cosine between their embeddings."""
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    single, half = (load(options.model, precision, options.folder) for precision in ("float32", "bfloat16"))
    batch = torch.randn(options.batch, 3, single.side, single.side)
    cosine = (single.forward(batch)[0] * half.forward(batch)[0]).sum(dim=1).min()
    turns = [[seconds(lambda e=e: e.forward(batch)) for e in (single, half)] for _ in range(options.rounds)]
    return {"speedup": median(slow / fast for slow, fast in turns), "cosine": float(cosine)}


def compare(model: str, precision: str, kind: str, images: int, options: argparse.Namespace) -> float:
    """Print the line of a model in a precision on a kind of file. Returns the peak memory in bytes."""
    chosen = {"model": model, "precision": precision, "kind": kind, "images": images}
    common = {"folder": options.folder, "threads": options.threads, "batch": options.batch}
    rounds = [start_case(case="step", **chosen, **common) for _ in range(options.rounds)]
    middle = {name: median(values[name] for values in rounds) for name in rounds[0]}
    print(
        f"{model:18} {precision:8} {kind:5} {images:>6,} images: bare {middle['bare']:6.1f} images/s, "
        f"step {middle['step']:6.1f}, ratio {middle['ratio']:.3f}, reading alone {middle['reading']:6.1f}, "
        f"its share of the processor time {middle['share']:4.0%}",
        flush=True,
    )
    return middle["peak"]


def main() -> None:
    """Run every case and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--folder", type=Path)
    for name in ("case", "model", "precision", "kind"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(CASES[options.case](options)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        options.folder = Path(folder)
        write_files(options.folder)
        torch.manual_seed(0)
        transformers.ViTModel(transformers.ViTConfig()).save_pretrained(options.folder)
        common = {"folder": folder, "threads": options.threads, "batch": options.batch, "rounds": options.rounds}
        half = start_case(case="precisions", model=VIT, **common)
        print(f"{VIT} in bfloat16: {half['speedup']:.2f} times as fast, cosines above {half['cosine']:.5f}", flush=True)
        for precision in ("float32", "bfloat16"):
            for kind in SUFFIXES:
                compare(VIT, precision, kind, options.images, options)
        for kind in SUFFIXES:
            few = compare(LITE, "float32", kind, 8 * options.images, options)
        many = compare(LITE, "float32", kind, 32 * options.images, options)
        print(f"peak memory: {few / 1e6:,.0f} MB, and {many / 1e6:,.0f} MB with four times as many images")


CASES = {"step": time_step, "precisions": time_precisions}

if __name__ == "__main__":
    main()
