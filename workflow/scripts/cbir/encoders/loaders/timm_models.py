"""Encoders whose architecture is timm's: under timm's names for their tensors, or under names that map to them."""

from pathlib import Path

import timm
import torch

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.errors import InputError

POOLING = {"mean": "avg", "class-token": "token"}


def load_image_encoder(entry: dict, weights: Path | None) -> torch.nn.Module:
    """A timm architecture without its classifier; its weights from the file, or random from the entry's seed."""
    if weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entry["weights"]["seed"])
            return without_classifier(create_architecture(entry))
    model = create_architecture(entry)
    load_tensors(model, read_tensors(weights, entry.get("tensors", {})), weights)
    return without_classifier(model)


def create_architecture(entry: dict) -> torch.nn.Module:
    """The architecture with the entry's options and pooling. Raises InputError where timm has no such one."""
    try:
        return timm.create_model(
            entry["architecture"], global_pool=POOLING[entry["pooling"]], **entry.get("options", {})
        )
    except RuntimeError as error:
        raise InputError(f"timm: {error}; correct the entry's architecture") from error


def without_classifier(model: torch.nn.Module) -> torch.nn.Module:
    """The model with its features as output."""
    model.reset_classifier(0)
    return model
