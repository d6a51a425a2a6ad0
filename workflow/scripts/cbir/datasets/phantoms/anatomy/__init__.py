"""Bodies of the phantoms: the place of each tissue, with and without findings. The modalities make images of them."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Case:
    """The patient, finding and random generators of one image."""

    body: np.random.Generator  # draws the anatomy, which all images of a study share
    lesion: np.random.Generator  # draws the place, size and strength of the finding, which all images of a study share
    scan: np.random.Generator  # draws the pose, slice, exposure and noise, in which the images of a study differ
    finding: str
    build: float  # girth of the patient, relative to the average
    cut: float  # width of the finding in this slice, relative to its greatest width


@dataclass
class Anatomy:
    """The tissues and the finding in a view of a body."""

    # Name of each tissue with (h, w) float. In a slice, the coverage of each pixel from 0 to 1; later layers cover
    # earlier ones. In a projection, the thickness along each ray in cm; the layers are in any order.
    layers: list[tuple[str, np.ndarray]]
    lesion: np.ndarray  # (h, w) coverage by the finding, from 0 to 1; all 0 where the finding is normal
    place: str  # location of the finding, in words; empty where the finding is normal


def side_of(x: float) -> str:
    """Name of the patient's side at a coordinate x of a view from the front or from the feet.

    >>> side_of(-3.5)
    'right'
    """
    return "right" if x < 0 else "left"


def pick(rng: np.random.Generator, *choices):
    """Draw one of the choices; all are equally likely."""
    return choices[int(rng.integers(len(choices)))]
