"""Checkpoints: tensors by name, from safetensors or a pickle, and into a model without a gap."""

import pickle
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from cbir.errors import InputError, listing


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file or of a pickled state dict (read without running any code in it).

    Raises InputError where the file holds anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: unreadable weights ({error}); delete the file and fetch it again") from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise InputError(f"{path}: holds no tensors by name; save the model's state_dict() alone")
    return tensors


def load_tensors(model: torch.nn.Module, tensors: dict[str, torch.Tensor], source: Path) -> None:
    """Load tensors by name. Raises InputError that lists all missing, unexpected and misshapen ones."""
    wanted = model.state_dict()
    problems = [f"missing {name}" for name in wanted if name not in tensors]
    problems += [f"unexpected {name}" for name in tensors if name not in wanted]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, should be {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if problems:
        raise InputError(f"{source}: not the weights of this architecture; correct the entry:{listing(problems)}")
    model.load_state_dict(tensors)
