"""A text encoder ready to run: the text tower of an encoder whose images and texts share a space."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch
import transformers

from cbir.encoders.device import choose_device, choose_dtype
from cbir.encoders.loaders import find_loader
from cbir.encoders.weights import check_weights
from cbir.errors import InputError


@dataclass(frozen=True)
class TextEncoder:
    """A text tower with its tokenizer.

    tokenize: texts to the tower's inputs by name, (n, length) int64 each.
    """

    network: torch.nn.Module
    tokenize: Callable[[list[str]], dict[str, torch.Tensor]]
    device: torch.device


@torch.inference_mode()
def embed_text(encoder: TextEncoder, texts: list[str]) -> torch.Tensor:
    """Embed texts in the space of the same model's images: (n, d) float32 of unit norm, on the CPU."""
    inputs = {name: tokens.to(encoder.device) for name, tokens in encoder.tokenize(texts).items()}
    return torch.nn.functional.normalize(encoder.network(**inputs).to(torch.float32)).cpu()


def load_text_encoder(entry: dict, weights: str | Path, device: str, precision: str) -> TextEncoder:
    """Build the text tower of a catalogue entry.

    weights: the path of the weight file; the files of the tokenizer are in the same folder. device, precision: as for
    `load_encoder`. Raises InputError if the entry has no text tower or files of the tokenizer are missing, and as
    `load_encoder` does for weights, loader and device.
    """
    if "text" not in entry:
        raise InputError(f"{entry['description']}: no text tower in the catalogue")
    path = Path(weights)
    check_weights(path, entry["weights"].get("sha256"))
    tokenize = make_tokenizer(entry["text"]["tokenizer"], path.parent)
    target = choose_device(device)
    network = find_loader(entry["loader"]).load_text_encoder(entry, path)
    network.eval().requires_grad_(False).to(target, choose_dtype(precision))
    return TextEncoder(network=network, tokenize=tokenize, device=target)


def make_tokenizer(options: dict, folder: Path) -> Callable[[list[str]], dict[str, torch.Tensor]]:
    """The tokenizer of a catalogue entry, as a function from texts to the inputs of its tower by name.

    options: the entry's `text.tokenizer`. folder: of the tokenizer's files. Every input is (n, length) int64; the
    first is `input_ids`. Raises InputError that names the missing files.
    """
    if options["class"] == "SimpleTokenizer":  # open_clip includes its vocabulary
        tokenizer = open_clip.SimpleTokenizer(context_length=options["length"])
        return lambda texts: {"input_ids": tokenizer(texts)}
    missing = [name for name in options["files"] if not (folder / name).is_file()]
    if missing:
        source = f"{options['repository']} at {options['revision']}"
        raise InputError(f"{folder}: no {', '.join(missing)}; fetch them from {source}, or put them there")
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
