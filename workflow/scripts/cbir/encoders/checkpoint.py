"""Checkpoints: tensors by name, read from safetensors or pickles and loaded into a network without any left over."""

import pickle
import re
from fnmatch import fnmatchcase
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from cbir.errors import InputError, listing


def read_tensors(path: Path, rules: dict) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint that belong to an encoder, under the names of its architecture.

    rules: a catalogue entry's `tensors`, with any of these keys:
    - `key`: the key of the state dict in a pickled dict that holds more.
    - `omit`: patterns of the names of other parts, which are left out.
    - `prefix`: the beginning of all other names, which is removed.
    - `rename`: regular expressions and their replacements, applied in this order.
    - `projection`: the name of a linear layer, which needs no prefix.

    Raises InputError that lists names without the prefix, and as `read_checkpoint` does.
    """
    tensors = read_checkpoint(path, rules.get("key"))
    kept = {
        name: tensor
        for name, tensor in tensors.items()
        if not any(fnmatchcase(name, pattern) for pattern in rules.get("omit", []))
    }
    prefix, projection = rules.get("prefix", ""), rules.get("projection")
    foreign = [name for name in kept if not name.startswith((prefix, f"{projection}."))]
    if foreign:
        problems = [f"unexpected {name}" for name in foreign]
        raise InputError(f"{path}: tensors neither under {prefix} nor in tensors.omit:{listing(problems)}")
    return {_rename(name, prefix, rules.get("rename", {})): tensor for name, tensor in kept.items()}


def _rename(name: str, prefix: str, expressions: dict[str, str]) -> str:
    name = name.removeprefix(prefix)
    for expression, replacement in expressions.items():
        name = re.sub(expression, replacement, name)
    return name


def read_checkpoint(path: Path, key: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file or of a pickled state dict. No code in a pickle is run.

    key: the key of the state dict in a pickled dict that holds more. Raises InputError if the file holds anything
    else.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: unreadable weights ({error}); delete the file and fetch it again") from error
    if key is not None:
        if not isinstance(tensors, dict) or key not in tensors:
            raise InputError(f"{path}: no {key} in it; correct the entry's tensors.key")
        tensors = tensors[key]
    if not isinstance(tensors, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise InputError(f"{path}: holds no tensors by name; save the model's state_dict() alone")
    return tensors


def load_tensors(model: torch.nn.Module, tensors: dict[str, torch.Tensor], source: Path) -> None:
    """Load tensors into a model by their names.

    source: the file that an error names. Raises InputError that lists every tensor that is missing, unexpected or has
    another shape.
    """
    needed = model.state_dict()
    problems = [f"missing {name}" for name in needed if name not in tensors]
    problems += [f"unexpected {name}" for name in tensors if name not in needed]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, should be {tuple(needed[name].shape)}"
        for name in needed
        if name in tensors and tensors[name].shape != needed[name].shape
    ]
    if problems:
        raise InputError(f"{source}: not the weights of this architecture; correct the entry:{listing(problems)}")
    model.load_state_dict(tensors)
