"""Encoders in timm's architectures, with tensors under timm's names or under names that the entry maps to them."""

from pathlib import Path

import timm
import torch

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.errors import InputError

POOLING = {"mean": "avg", "class-token": "token"}


def load_image_encoder(entry: dict, weights: Path | None) -> torch.nn.Module:
    """A timm architecture without its classifier: pixels (b, 3, h, w) -> (b, d).

    The weights come from the file, or are random from the entry's seed where there is no file.
    """
    if weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entry["weights"]["seed"])
            return without_classifier(create_architecture(entry))
    model = create_architecture(entry)
    load_tensors(model, read_tensors(weights, entry.get("tensors", {})), weights)
    return without_classifier(model)


def create_architecture(entry: dict) -> torch.nn.Module:
    """timm's architecture with the entry's options and pooling. Raises InputError if timm has no such architecture."""
    try:
        return timm.create_model(
            entry["architecture"], global_pool=POOLING[entry["pooling"]], **entry.get("options", {})
        )
    except RuntimeError as error:
        raise InputError(f"timm: {error}; correct the entry's architecture") from error


def without_classifier(model: torch.nn.Module) -> torch.nn.Module:
    """The model, changed so that its output is the features before its classifier."""
    model.reset_classifier(0)
    return model
