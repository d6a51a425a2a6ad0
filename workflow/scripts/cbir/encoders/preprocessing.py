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
    """Resize, crop, standardize and pad an image.

    image: uint8, (h, w) grey or (h, w, 3) RGB. options: a catalogue entry's `input`. Returns float32 (3, side, side),
    a grey image's plane three times. Resizing is Pillow's, antialiased, as torchvision's and the publishers' own
    transforms do it; a grey image is resized as one plane, which gives the same pixels at a third of the cost.
    """
    size = options["size"]
    picture = Image.fromarray(image)
    if options.get("grey", False):
        picture = picture.convert("L")
    resized = resize_image(picture, size, options["resize"], options["interpolation"])
    if "crop" in options:
        resized = crop_center(resized, options["crop"], options.get("crop_offset", "round"))
    pixels = torch.from_numpy(np.array(resized))
    planes = pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    mean, std = (torch.tensor(options[key], dtype=torch.float32).view(3, 1, 1) for key in ("mean", "std"))
    standardized = (planes.to(torch.float32).div_(255) - mean).div_(std)
    if options["resize"] == "longest":
        height, width = standardized.shape[1:]
        standardized = torch.nn.functional.pad(standardized, (0, size - width, 0, size - height))
    return standardized.contiguous()


def resize_image(image: Image.Image, size: int, rule: str, interpolation: str) -> Image.Image:
    """Resize to `size` pixels by a rule.

    squash: both sides. shortest, longest: that side, the aspect kept. pad: both sides of a black square that the image
    is in the middle of, of at least `size` pixels.
    """
    width, height = size, size
    if rule == "shortest":
        shorter = min(image.size)
        width, height = (int(size * side / shorter) for side in image.size)
    elif rule == "longest":
        scale = size / max(image.size)
        width, height = (int(side * scale + 0.5) for side in image.size)
    elif rule == "pad":
        side = max(size, *image.size)
        square = Image.new(image.mode, (side, side))
        square.paste(image, tuple((side - extent) // 2 for extent in image.size))
        image = square
    return image.resize((width, height), INTERPOLATIONS[interpolation])


def crop_center(image: Image.Image, side: int, offset: str) -> Image.Image:
    """The central square of `side` pixels; half a pixel of offset is rounded to even (round) or down (floor)."""
    halve = {"round": lambda space: round(space / 2), "floor": lambda space: space // 2}[offset]
    left, top = (halve(extent - side) for extent in image.size)
    return image.crop((left, top, left + side, top + side))
