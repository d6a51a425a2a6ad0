"""An encoder ready to run: built from its catalogue entry, on a device, in a precision."""

import platform
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from cbir.encoders.bfloat16 import pack_linear_layers, plain_attention
from cbir.encoders.loaders import find_loader
from cbir.encoders.preprocessing import make_preprocessing
from cbir.encoders.weights import check_weights, find_packaged_weights
from cbir.errors import InputError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PROVENANCE_PACKAGES = ("torch", "timm", "open_clip_torch", "transformers", "pillow", "pydicom", "numpy")


@dataclass(frozen=True)
class Encoder:
    """A network with its preprocessing.

    side: of the square that the network sees, in pixels. size: the smallest side that the preprocessing makes use of.
    """

    network: torch.nn.Module
    preprocess: Callable[[np.ndarray], torch.Tensor]
    dimensions: int
    side: int
    size: int
    device: torch.device
    precision: torch.dtype
    provenance: dict

    @torch.inference_mode()
    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Embed preprocessed images: (b, 3, h, w) float32 -> (b, dimensions) float32 unit norm, on the CPU.

        An image without a direction (features all zero or not finite) keeps a norm other than 1.
        """
        inputs = batch.to(self.device, self.precision, non_blocking=True, memory_format=torch.channels_last)
        with plain_attention() if inputs.is_cpu and self.precision == torch.bfloat16 else nullcontext():
            features = self.network(inputs).to(torch.float32)
        if features.shape[1:] != (self.dimensions,):
            raise InputError(
                f"{self.provenance['model']['architecture']}: embeddings of shape {tuple(features.shape[1:])}, the "
                f"catalogue says {self.dimensions}; correct the entry's dimensions or pooling"
            )
        return torch.nn.functional.normalize(features).cpu()


def load_encoder(entry: dict, weights: str | Path | None, device: str, precision: str) -> Encoder:
    """Build an encoder from its catalogue entry.

    weights: the fetched weight file; none where the entry's weights are in a package, random or none. device: auto
    (CUDA, else MPS, else CPU) or torch's name of one. precision: float32, bfloat16 or float16. Raises InputError for
    absent or wrong weights, naming each tensor that is missing, unexpected or misshapen, and for an absent device.
    """
    target = choose_device(device)
    path = Path(weights) if weights else None
    if "package" in entry["weights"]:
        path = find_packaged_weights(entry["weights"])
    checksum = check_weights(path, entry["weights"].get("sha256")) if path else None
    network = find_loader(entry["loader"]).load_image_encoder(entry, path)
    network.eval().requires_grad_(False)
    network.to(target, PRECISIONS[precision], memory_format=torch.channels_last)  # what convolutions are fastest in
    if target.type == "cpu" and precision == "bfloat16":
        pack_linear_layers(network)
    return Encoder(
        network=network,
        preprocess=make_preprocessing(entry["input"]),
        dimensions=entry["dimensions"],
        side=entry["input"].get("crop", entry["input"]["size"]),
        size=entry["input"]["size"],
        device=target,
        precision=PRECISIONS[precision],
        provenance=describe_provenance(entry, checksum, target, precision),
    )


def choose_device(device: str) -> torch.device:
    """The device of this name; auto takes CUDA, else MPS, else the CPU. Raises InputError where it is absent."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return torch.device(next(kind for kind, present in available.items() if present))
    if not available.get(device.partition(":")[0], False):
        present = ", ".join(kind for kind, present in available.items() if present)
        raise InputError(f"embedding.device: {device} is not on this machine; it has {present} (or say auto)")
    return torch.device(device)


def describe_provenance(entry: dict, weights_sha256: str | None, device: torch.device, precision: str) -> dict:
    """All that embeddings depend on besides the images, ready for JSON; `model` holds the preprocessing as `input`."""
    return {
        "model": entry,
        "weights_sha256": weights_sha256,
        "device": device.type,
        "precision": precision,
        "python": platform.python_version(),
        "packages": {name: _installed_version(name) for name in PROVENANCE_PACKAGES},
    }


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
