"""Convolutional networks in torchvision's architectures, with tensors under torchvision's names."""

from pathlib import Path

import torch
import torchvision

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.errors import InputError

CLASSIFIERS = ("classifier", "fc")


def load_image_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The last feature map, averaged over its places: pixels (b, 3, h, w) -> (b, d).

    The network has to end in a classifier with one of the names in CLASSIFIERS, whose tensors the entry omits. VGG
    flattens a map of 7 x 7 places for its classifier; here this map is averaged, too. Raises InputError if torchvision
    has no such architecture, or one that ends in another way.
    """
    with torch.device("meta"):  # the classifier of VGG has 120 million values, which would be drawn and thrown away
        model = create_architecture(entry)
    setattr(model, _find_classifier(model, entry), torch.nn.Identity())
    if hasattr(model, "avgpool"):  # DenseNet averages without a module
        model.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    tensors = read_tensors(weights, entry.get("tensors", {}))
    needed = model.to_empty(device="cpu").state_dict()
    # Batch normalization counts its batches in training only. Old checkpoints leave the counts out.
    counts = {name: torch.zeros(()) for name in needed if name.endswith(".num_batches_tracked")}
    load_tensors(model, counts | tensors, weights)
    return model


def create_architecture(entry: dict) -> torch.nn.Module:
    """torchvision's architecture with the entry's options, and its initial weights."""
    try:
        return torchvision.models.get_model(entry["architecture"], weights=None, **entry.get("options", {}))
    except ValueError as error:
        raise InputError(f"torchvision: {error}; correct the entry's architecture") from error


def _find_classifier(model: torch.nn.Module, entry: dict) -> str:
    """The name of the classifier that the network ends in. Raises InputError if the network has none."""
    last = list(dict(model.named_children()))[-1]
    if last not in CLASSIFIERS:
        raise InputError(f"torchvision: {entry['architecture']} does not end in a classifier; use another loader")
    return last
