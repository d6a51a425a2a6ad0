"""An image encoder ready to run: built from its catalogue entry, on a device, in a precision."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cbir.encoders.device import choose_device, choose_dtype
from cbir.encoders.loaders import find_loader
from cbir.encoders.preprocessing import make_preprocessing
from cbir.encoders.provenance import describe_dependencies
from cbir.encoders.weights import find_weights
from cbir.errors import InputError


@dataclass(frozen=True)
class Encoder:
    """A network with its preprocessing.

    preprocess: uint8 image, (h, w) or (h, w, 3), to float32 tensor (3, side, side). side: of the square that the
    network sees, in pixels. size: the smallest side of an image that the preprocessing makes use of, in pixels.
    provenance: everything that the vectors depend on besides the images, as `describe_dependencies` returns it.
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
    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed preprocessed images: (b, 3, side, side) float32 -> vectors and norms of the features, on the CPU.

        vectors: (b, dimensions) float32, the features scaled to norm 1. Only an image without a direction, whose
        features are all zero or not finite, keeps another norm. norms: (b,) float32, those of the unscaled features.
        Raises InputError if the network gives another number of dimensions than the catalogue says.
        """
        inputs = batch.to(self.device, self.precision, non_blocking=True, memory_format=torch.channels_last)
        features = self.network(inputs).to(torch.float32)
        if features.shape[1:] != (self.dimensions,):
            raise InputError(
                f"{self.provenance['model']['architecture']}: embeddings of shape {tuple(features.shape[1:])}, the "
                f"catalogue says {self.dimensions}; correct the entry's dimensions or pooling"
            )
        norms = torch.linalg.vector_norm(features, dim=1)
        return torch.nn.functional.normalize(features).cpu(), norms.cpu()


def load_encoder(entry: dict, weights: str | Path | None, device: str, precision: str) -> Encoder:
    """Build an encoder from its catalogue entry.

    weights: the path of the fetched weight file; None if the entry's weights are in a package or random, or if there
    are none. device: auto or torch's name of a device, as for `choose_device`. precision: one of PRECISIONS.

    Raises InputError for missing or wrong weights, with the name of every tensor that is missing, unexpected or has
    another shape, and for an unknown loader or a device that this machine does not have.
    """
    target = choose_device(device)
    path, checksum = find_weights(entry, weights)
    network = find_loader(entry["loader"]).load_image_encoder(entry, path)
    network.eval().requires_grad_(False)
    dtype = choose_dtype(precision)
    network.to(target, dtype, memory_format=torch.channels_last)  # the layout in which convolutions are fastest
    return Encoder(
        network=network,
        preprocess=make_preprocessing(entry["input"]),
        dimensions=entry["dimensions"],
        side=entry["input"].get("crop", entry["input"]["size"]),
        size=entry["input"]["size"],
        device=target,
        precision=dtype,
        provenance=describe_dependencies(entry, checksum, target.type, precision),
    )
