"""From an image as a viewer shows it to the tensor that an encoder was trained on."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image

INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def make_preprocessing(options: dict) -> Callable[[np.ndarray], torch.Tensor]:
    """The preprocessing that a catalogue entry's `input` describes: uint8 image -> float32 tensor (3, side, side)."""
    return partial(preprocess_image, options=options)


def preprocess_image(image: np.ndarray, options: dict) -> torch.Tensor:
    """Resize, crop and standardize an image.

    image: uint8, (h, w) grey or (h, w, 3) RGB. options: a catalogue entry's `input`. Returns float32 (3, side, side),
    a grey image's plane three times. Resizing is Pillow's, antialiased, as torchvision's and the publishers' own
    transforms do it; a grey image is resized as one plane, which gives the same pixels at a third of the cost.
    """
    resized = resize_image(Image.fromarray(image), options["size"], options["resize"], options["interpolation"])
    if "crop" in options:
        resized = crop_center(resized, options["crop"])
    pixels = torch.from_numpy(np.array(resized))
    planes = pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    mean, std = (torch.tensor(options[key], dtype=torch.float32).view(3, 1, 1) for key in ("mean", "std"))
    return (planes.to(torch.float32).div_(255) - mean).div_(std).contiguous()


def resize_image(image: Image.Image, size: int, rule: str, interpolation: str) -> Image.Image:
    """Resize to `size` pixels: both sides (squash), or the shorter one with the aspect kept (shortest)."""
    width, height = size, size
    if rule == "shortest":
        shorter = min(image.size)
        width, height = (int(size * side / shorter) for side in image.size)
    return image.resize((width, height), INTERPOLATIONS[interpolation])


def crop_center(image: Image.Image, side: int) -> Image.Image:
    """The central square of `side` pixels, placed as torchvision's CenterCrop places it."""
    left, top = (round((extent - side) / 2) for extent in image.size)
    return image.crop((left, top, left + side, top + side))
