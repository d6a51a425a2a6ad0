"""What a modality makes of an anatomy."""

from dataclasses import dataclass

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy


@dataclass
class Phantom:
    """A synthetic image before it is written."""

    pixels: np.ndarray  # (h, w) float32: HU for CT, signal for MR, brightness 0 to 1 for XR and US
    mask: np.ndarray  # (h, w) bool, where the finding is
    place: str  # the finding's place in words
    protocol: str  # how the image was made, in words
    spacing: float  # mm a pixel
    window: tuple[float, float] = (0.5, 1.0)  # centre and width on the scale of `pixels`


def paint(anatomy: Anatomy, values: dict[str, float], background: float) -> np.ndarray:
    """(h, w) float32: each tissue's value laid over what lies below it."""
    image = np.full(anatomy.lesion.shape, background, np.float32)
    for tissue, coverage in anatomy.layers:
        image += coverage * (values[tissue] - image)
    return image
