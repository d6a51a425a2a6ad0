"""Preprocessing: from an image as a viewer shows it to a tensor like those that an encoder was trained on."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image

INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def make_preprocessing(options: dict) -> Callable[[np.ndarray], torch.Tensor]:
    """The preprocessing that a catalogue entry's `input` describes, as a function of an image."""
    return partial(preprocess_image, options=options)


def preprocess_image(image: np.ndarray, options: dict) -> torch.Tensor:
    """Resize, crop, standardize and pad an image.

    image: uint8, (h, w) grey or (h, w, 3) RGB. options: a catalogue entry's `input`. Returns float32, (3, side, side).

    Pillow resizes with antialiasing, as torchvision and the publishers' own transforms do. A grey image is resized as
    one plane, which is repeated three times afterwards; this gives the same pixels at a third of the cost.

    >>> options = {"size": 2, "resize": "squash", "interpolation": "bilinear", "mean": [0.5] * 3, "std": [0.5] * 3}
    >>> preprocess_image(np.array([[0, 255], [255, 0]], np.uint8), options)[0]
    tensor([[-1.,  1.],
            [ 1., -1.]])
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
    """Resize an image to `size` pixels by one of four rules.

    squash resizes both sides to `size`, whatever the aspect. shortest and longest resize that side to `size` and keep
    the aspect. pad first puts the image in the middle of a black square of at least `size` pixels, then resizes the
    square. interpolation: bilinear or bicubic.

    >>> resize_image(Image.new("L", (40, 20)), 10, "shortest", "bilinear").size
    (20, 10)
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
    """The central square of `side` pixels.

    offset: how a border of half a pixel is rounded, to the even number (round) or down (floor).

    >>> crop_center(Image.new("L", (40, 20)), 10, "round").size
    (10, 10)
    """
    halve = {"round": lambda space: round(space / 2), "floor": lambda space: space // 2}[offset]
    left, top = (halve(extent - side) for extent in image.size)
    return image.crop((left, top, left + side, top + side))
