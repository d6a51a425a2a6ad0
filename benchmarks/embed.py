"""The embedding step beside the bare forward pass: the ratio of their rates for each kind of file; bfloat16; memory.

    .venv/bin/python benchmarks/embed.py [--threads 2] [--rounds 3] [--images 256] [--batch 64] [--folder /scratch]

The bare forward pass is the same encoder, threads, precision and batch on tensors in memory, in the same process, in
turns with ours, the best turn of each counting, since other work on the machine only slows; ours is all of
`embed_images`: start of the readers, reading, decoding, preprocessing, forward pass, writing. Reading alone is the same
readers without an encoder: below the bare rate it binds. The ViT-B/16 is that of vit-b16-in21k with random weights, on
512-pixel files; memory is the peak of this process after a dataset and after one four times as large.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pydicom
import torch
import transformers
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from cbir.embedding import embed_images, keep_freed_memory, make_loader
from cbir.models.catalogue import load_catalogue
from cbir.models.encoder import Encoder, load_encoder

SIDE, DISTINCT = 512, 64  # pixels; files of a kind, each read several times
CATALOGUE = load_catalogue(Path(__file__).parents[1] / "workflow/models.yaml")


def write_files(folder: Path) -> dict[str, list[str]]:
    """Noisy gradients with discs, as grey as radiographs, in three formats: paths by format."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    paths: dict[str, list[str]] = {"PNG": [], "JPEG": [], "DICOM": []}
    for number in range(DISTINCT):
        image = 1500 + 2 * x + rng.normal(0, 60, x.shape)
        for row, column, radius in rng.integers(30, SIDE - 30, (12, 3)):
            image[(y - row) ** 2 + (x - column) ** 2 < (radius / 4) ** 2] += 300
        deep = image.clip(0, 4095).astype(np.uint16)
        shown = Image.fromarray((deep >> 4).astype(np.uint8))
        for kind, name in (("PNG", f"{number}.png"), ("JPEG", f"{number}.jpg")):
            shown.save(folder / name)
            paths[kind].append(str(folder / name))
        write_dicom(folder / f"{number}.dcm", deep)
        paths["DICOM"].append(str(folder / f"{number}.dcm"))
    return paths


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


def load_vit(folder: Path, precision: str) -> Encoder:
    """The catalogue's vit-b16-in21k with random weights."""
    if not (folder / "model.safetensors").exists():
        torch.manual_seed(0)
        transformers.ViTModel(transformers.ViTConfig()).save_pretrained(folder)
    return load_encoder(deepcopy(CATALOGUE["vit-b16-in21k"]), folder / "model.safetensors", "cpu", precision)


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, encoder: Encoder, files: dict[str, list[str]], options: argparse.Namespace, images: int) -> None:
    """Print, a line a kind of file, the rates of the bare forward pass, of the step and of reading alone."""
    batch = torch.randn(options.batch, 3, encoder.side, encoder.side)
    for kind, paths in files.items():
        table = pd.DataFrame({"path": [paths[row % len(paths)] for row in range(images)], "frame": 0})

        def embed(table: pd.DataFrame = table) -> None:
            embed_images(encoder, table, options.folder / "e.npy", options.batch, options.threads)

        def forward() -> None:
            for _ in range(images // options.batch):
                encoder.forward(batch)

        bare, ours = [], []
        encoder.forward(batch)
        for number in range(options.rounds):
            for work, times in ((forward, bare), (embed, ours))[:: 1 if number % 2 else -1]:
                times.append(seconds(work))
        reading = seconds(lambda table=table: list(make_loader(encoder, table, options.batch, options.threads)))
        print(
            f"{name:24} {kind:6} bare {images / min(bare):7.1f} images/s, step {images / min(ours):7.1f}, "
            f"ratio {min(bare) / min(ours):.3f}, reading alone {images / reading:7.1f}",
            flush=True,
        )


def main() -> None:
    """Run all of it and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--images", type=int, default=256, help="of the ViT; EfficientNet-Lite0 gets four times as many"
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        options.folder = Path(folder)
        files = write_files(options.folder)
        vit = {precision: load_vit(options.folder, precision) for precision in ("float32", "bfloat16")}
        batch = torch.randn(options.batch, 3, 224, 224)
        vectors = {precision: encoder.forward(batch) for precision, encoder in vit.items()}
        times = [[seconds(lambda e=e: e.forward(batch)) for e in vit.values()] for _ in range(options.rounds)]
        cosine = (vectors["float32"] * vectors["bfloat16"]).sum(dim=1).min()
        speedup = median(single / half for single, half in times)
        print(f"ViT-B/16 in bfloat16: {speedup:.2f} times as fast as in float32, cosines above {cosine:.5f}")
        for precision, encoder in vit.items():
            compare(f"ViT-B/16, {precision}", encoder, files, options, options.images)
        del vit
        lite = load_encoder(CATALOGUE["efficientnet-lite0"], None, "cpu", "float32")
        peaks = []
        for images in (options.images, 4 * options.images):
            compare(f"EfficientNet-Lite0, {images}", lite, files, options, images)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(f"peak memory: {peaks[0]:.0f} MB, and {peaks[1]:.0f} MB with four times as many images")


if __name__ == "__main__":
    main()
