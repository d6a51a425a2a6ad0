"""The text towers of the encoders whose images and texts share a space."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch
import transformers

from cbir.encoders.image_encoder import PRECISIONS, choose_device
from cbir.encoders.loaders import find_loader
from cbir.encoders.weights import check_weights
from cbir.errors import InputError


@dataclass(frozen=True)
class TextEncoder:
    """A text tower with its tokenizer."""

    network: torch.nn.Module
    tokenize: Callable[[list[str]], dict[str, torch.Tensor]]
    device: torch.device


@torch.inference_mode()
def embed_text(encoder: TextEncoder, texts: list[str]) -> torch.Tensor:
    """Embed texts: (n, d) float32 unit norm, on the CPU, in the space of the same model's images."""
    inputs = {name: tokens.to(encoder.device) for name, tokens in encoder.tokenize(texts).items()}
    return torch.nn.functional.normalize(encoder.network(**inputs).to(torch.float32)).cpu()


def load_text_encoder(entry: dict, weights: str | Path, device: str, precision: str) -> TextEncoder:
    """Build the text tower of a catalogue entry; its tokenizer's files lie beside the weights.

    device, precision: as for load_encoder. Raises InputError where the entry has no text tower or the tokenizer's
    files are absent, and as load_encoder does for the weights.
    """
    if "text" not in entry:
        raise InputError(f"{entry['description']}: no text tower in the catalogue")
    path = Path(weights)
    check_weights(path, entry["weights"].get("sha256"))
    tokenize = make_tokenizer(entry["text"]["tokenizer"], path.parent)
    target = choose_device(device)
    network = find_loader(entry["loader"]).load_text_encoder(entry, path)
    return TextEncoder(
        network=network.eval().requires_grad_(False).to(target, PRECISIONS[precision]), tokenize=tokenize, device=target
    )


def make_tokenizer(options: dict, folder: Path) -> Callable[[list[str]], dict[str, torch.Tensor]]:
    """The tokenizer of a catalogue entry: texts -> `input_ids` and what else its tower takes, (n, length) int64.

    Raises InputError that names the absent files.
    """
    if options["class"] == "SimpleTokenizer":  # its vocabulary comes with open_clip
        tokenizer = open_clip.SimpleTokenizer(context_length=options["length"])
        return lambda texts: {"input_ids": tokenizer(texts)}
    absent = [name for name in options["files"] if not (folder / name).is_file()]
    if absent:
        source = f"{options['repository']} at {options['revision']}"
        raise InputError(f"{folder}: no {', '.join(absent)}; fetch them from {source}, or put them there")
    tokenizer = getattr(transformers, options["class"]).from_pretrained(folder)

    def tokenize(texts: list[str]) -> dict[str, torch.Tensor]:
        tokens = tokenizer(
            texts,
            padding=options.get("padding", "max_length"),
            truncation=True,
            max_length=options["length"],
            return_tensors="pt",
        )
        return {name: tokens[name] for name in options.get("inputs", ["input_ids"])}

    return tokenize
