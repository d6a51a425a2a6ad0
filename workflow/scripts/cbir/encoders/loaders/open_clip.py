"""Image and text towers in open_clip's architectures, with tensors under open_clip's names."""

from pathlib import Path

import open_clip
import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.model import _build_text_tower, _build_vision_tower
from transformers import BertConfig

from cbir.encoders.checkpoint import load_tensors, read_tensors
from cbir.errors import InputError


def load_image_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The image tower with its projection: pixels (b, 3, h, w) -> (b, d)."""
    config = read_model_config(entry)
    tower = _build_vision_tower(config["embed_dim"], config["vision_cfg"], config.get("quick_gelu", False))
    load_tensors(tower, read_tensors(weights, entry["tensors"]), weights)
    return tower


def load_text_encoder(entry: dict, weights: Path) -> torch.nn.Module:
    """The text tower with its projection: `input_ids` (b, length) int64 -> (b, d)."""
    config = read_model_config(entry)
    text = config["text_cfg"]
    if "hf_proj_type" in text:
        tower = HFTextEncoder(
            "",
            config["embed_dim"],
            BertConfig(**entry["text"].get("options", {})),
            pooler_type=text["hf_pooler_type"],
            proj_type=text["hf_proj_type"],
        )
        tower.transformer.pooler = None  # open_clip pools by itself, as hf_pooler_type says
    else:
        tower = _build_text_tower(config["embed_dim"], text, config.get("quick_gelu", False))
    load_tensors(tower, read_tensors(weights, entry["text"]["tensors"]), weights)
    return Tokens(tower)


class Tokens(torch.nn.Module):
    """A text tower of open_clip that takes its tokens under the name that tokenizers give them."""

    def __init__(self, tower: torch.nn.Module):
        super().__init__()
        self.tower = tower

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(b, length) int64 -> (b, d)."""
        return self.tower(input_ids)


def read_model_config(entry: dict) -> dict:
    """The configuration of a model for open_clip: the entry's options if there are any, else open_clip's own.

    Raises InputError if open_clip knows no such architecture.
    """
    config = entry.get("options") or open_clip.get_model_config(entry["architecture"])
    if config is None:
        raise InputError(f"open_clip: no {entry['architecture']}; correct the entry's architecture, or give options")
    return config
