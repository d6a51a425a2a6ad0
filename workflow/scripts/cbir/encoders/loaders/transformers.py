"""Encoders in the architectures of transformers, with tensors under the names that were published.

transformers renames its modules from release to release, and maps published names to the present ones while loading.
`from_pretrained` reports how it used every tensor; any tensor that is missing or left over is an error.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from cbir.encoders.checkpoint import read_tensors
from cbir.errors import InputError, listing

POOLING: dict[str, Callable[[transformers.utils.ModelOutput], torch.Tensor]] = {
    "class-token": lambda output: output.last_hidden_state[:, 0],
    "logits": lambda output: output.logits,
    "pooled": lambda output: output.pooler_output.flatten(1),
}

set_verbosity_error()  # loading problems are raised as errors, so they need not be logged
disable_progress_bar()


class Tower(torch.nn.Module):
    """A transformers model with its pooling and, where there is one, its linear projection."""

    def __init__(self, model: transformers.PreTrainedModel, pooling: str, projection: torch.nn.Module):
        super().__init__()
        self.model = model
        self.pool = POOLING[pooling]
        self.projection = projection

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """A batch of images, or tokens by name -> (b, d)."""
        return self.projection(self.pool(self.model(*inputs, **named)))


def load_image_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The image tower: pixels (b, 3, h, w) -> (b, d)."""
    return load_tower(entry, weights)


def load_text_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The text tower: `input_ids` and `attention_mask` -> (b, d)."""
    return load_tower(entry["text"], weights)


def load_tower(tower: dict, weights: Path) -> torch.nn.Module:
    """A tower of a catalogue entry with its weights.

    tower: the entry, or its `text`: architecture, options, pooling and tensors. Raises InputError that names every
    tensor that is missing, unexpected or has another shape, and for an unknown architecture.
    """
    tensors = read_tensors(weights, tower.get("tensors", {}))
    projection = make_projection(tensors, tower.get("tensors", {}).get("projection"))
    architecture = getattr(transformers, tower["architecture"], None)
    if architecture is None:
        raise InputError(f"transformers: no {tower['architecture']}; correct the entry's architecture")
    pooler = {} if tower["pooling"] == "pooled" else {"add_pooling_layer": False}
    model, report = architecture.from_pretrained(
        None,
        config=architecture.config_class(**tower.get("options", {})),
        state_dict=tensors,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **(pooler if "add_pooling_layer" in architecture.__init__.__code__.co_varnames else {}),
    )
    problems = [f"missing {name}" for name in sorted(report["missing_keys"])]
    problems += [f"unexpected {name}" for name in sorted(report["unexpected_keys"])]
    problems += [
        f"{name} is {tuple(given)}, should be {tuple(needed)}"
        for name, given, needed in sorted(report["mismatched_keys"])
    ]
    problems += report["error_msgs"]
    if problems:
        raise InputError(f"{weights}: not the weights of this architecture; correct the entry:{listing(problems)}")
    return Tower(model, tower["pooling"], projection)


def make_projection(tensors: dict[str, torch.Tensor], name: str | None) -> torch.nn.Module:
    """The linear layer with this name, whose tensors are removed from `tensors`; the identity if the name is None.

    Raises InputError if there is no such layer.
    """
    if name is None:
        return torch.nn.Identity()
    weight, bias = tensors.pop(f"{name}.weight", None), tensors.pop(f"{name}.bias", None)
    if weight is None:
        raise InputError(f"no tensor {name}.weight; correct the entry's tensors.projection")
    projection = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    projection.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return projection
