"""The synthetic image that a modality makes of an anatomy."""

from dataclasses import dataclass

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy


@dataclass
class Phantom:
    """A synthetic image before it is written."""

    pixels: np.ndarray  # (h, w) float32: HU for CT, signal for MR, brightness 0 to 1 for XR and US
    mask: np.ndarray  # (h, w) bool, true at the finding
    place: str  # location of the finding, in words
    protocol: str  # technique of the image, in words
    spacing: float  # side of a pixel, mm
    window: tuple[float, float] = (0.5, 1.0)  # centre and width of the display window, in the unit of `pixels`


def paint(anatomy: Anatomy, values: dict[str, float], background: float) -> np.ndarray:
    """Paint the tissues of an anatomy one over another.

    values: value of each tissue. background: value where there is no tissue. Returns (h, w) float32; a tissue that
    covers a pixel in part is mixed with the layers below it.
    """
    image = np.full(anatomy.lesion.shape, background, np.float32)
    for tissue, coverage in anatomy.layers:
        image += coverage * (values[tissue] - image)
    return image
