"""What lies where in the phantoms' bodies, and what their findings change; how it looks is the modality's part."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Case:
    """One image to be made of one patient."""

    body: np.random.Generator  # the anatomy, which all images of a study share
    lesion: np.random.Generator  # the finding's place, size and strength, which they share too
    scan: np.random.Generator  # what differs between them: pose, slice, exposure, noise
    finding: str
    build: float  # the patient's girth over the average one
    cut: float  # share of the finding's width that the image shows


@dataclass
class Anatomy:
    """What a view shows: tissues in the order in which they cover one another, (h, w) coverage 0 to 1 each."""

    layers: list[tuple[str, np.ndarray]]
    lesion: np.ndarray  # (h, w) coverage, 0 everywhere where the finding is normal
    place: str  # the finding's place in words; empty where it is normal


def side_of(x: float) -> str:
    """The patient's side of a place, seen from the front or from the feet."""
    return "right" if x < 0 else "left"


def pick(rng: np.random.Generator, *choices):
    """One of the choices."""
    return choices[int(rng.integers(len(choices)))]
