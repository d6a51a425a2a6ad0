"""Ultrasound of phantoms: speckle along the beams, attenuation and shadows, shown as a sector."""

import math

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import Anatomy, Case
from cbir.datasets.phantoms.imaging import Phantom
from cbir.datasets.phantoms.shapes import View, bend

DEPTHS, BEAMS = 360, 160  # samples along a beam, beams
SHAPE = (240, 288)

# echo level in dB, and attenuation in dB/cm beyond what the time gain compensates
ECHO = {
    "skin": (-6, 0), "fat": (-20, 0), "muscle": (-20, 0.1), "fascia": (-7, 0.1), "liver": (-16, 0),
    "vessel": (-42, -0.6), "wall": (-7, 0), "kidney": (-21, 0), "sinus": (-9, 0.3), "fluid": (-55, -2.0),
    "gas": (-19, 2.0), "diaphragm": (-1, 2.5), "stone": (2, 30), "thyroid": (-9, 0), "cartilage": (-16, 3),
    "bright mass": (-3, 0.2), "dark mass": (-30, 0.2), "mixed mass": (-17, 0.2),
}  # fmt: skip


def sector(case: Case, region: str) -> tuple[View, tuple]:
    """Where each sample (DEPTHS, BEAMS) of the beams lies, and the sector: probe radius, half-angle and depth."""
    scan = case.scan
    if region == "liver":
        probe, half, reach = scan.uniform(4.5, 6), math.radians(scan.uniform(28, 37)), scan.uniform(12, 16)
    else:
        probe, half, reach = scan.uniform(9, 13), math.radians(scan.uniform(9, 14)), scan.uniform(3.6, 5)
    depth = np.linspace(0, reach, DEPTHS, dtype=np.float32)[:, None]
    angle = np.linspace(-half, half, BEAMS, dtype=np.float32)
    x, y = bend(
        case.body, (probe + depth) * np.sin(angle), (probe + depth) * np.cos(angle) - probe, reach, 0.02 * reach
    )
    return View(x, y, reach / DEPTHS), (probe, half, reach)


def insonate(case: Case, view: View, anatomy: Anatomy, shape: tuple) -> Phantom:
    """A B-mode image, brightness 0 to 1: fully developed speckle under the tissues' echo level, log-compressed.

    Speckle is the envelope of complex Gaussian scatterers after the pulse's blur, wider across the beams than along.
    What attenuates casts a shadow down its beams; fluid attenuates less than the gain expects and enhances them.
    """
    scan = case.scan
    level = np.full(view.x.shape, -16, np.float32)
    loss = np.zeros_like(level)
    for tissue, coverage in anatomy.layers:
        echo, absorbed = ECHO[tissue]
        level += coverage * (echo - level)
        loss += coverage * (absorbed - loss)
    level -= np.cumsum(loss, axis=0) * view.spacing * 2
    level += scan.normal(0, 1) - scan.uniform(0, 0.35) * view.y * (16 / (view.spacing * DEPTHS)) * 0.5
    level += scan.uniform(1, 4) * np.interp(np.arange(BEAMS), np.linspace(0, BEAMS - 1, 9), scan.normal(0, 0.5, 9))
    scatterers = scan.standard_normal((2, DEPTHS, BEAMS), dtype=np.float32)
    pulse = (0, scan.uniform(1.3, 1.8), scan.uniform(1.0, 1.4))
    echoes = ndimage.gaussian_filter(scatterers, pulse)
    envelope = np.hypot(*echoes) / echoes.std()
    decibels = 20 * np.log10(envelope * 10 ** (level / 20) + 10 ** (scan.uniform(-50, -42) / 20))
    dynamic = scan.uniform(42, 50)
    brightness = np.clip((decibels + dynamic - 2) / dynamic, 0, 1)
    image, lesion, spacing = _convert(brightness, anatomy.lesion, shape)
    return Phantom(image, lesion > 0.5, anatomy.place, "B-mode sector", spacing * 10)


def _convert(brightness: np.ndarray, lesion: np.ndarray, shape: tuple) -> tuple[np.ndarray, np.ndarray, float]:
    """The beams' samples as an image in the probe's geometry; cm a pixel."""
    probe, half, reach = shape
    top = probe * math.cos(half)
    spacing = 1.04 * max((probe + reach - top) / SHAPE[0], 2 * (probe + reach) * math.sin(half) / SHAPE[1])
    rows, cols = np.indices(SHAPE, dtype=np.float32)
    x, y = (cols - SHAPE[1] / 2) * spacing, top + (rows - 3) * spacing
    at = [(np.hypot(x, y) - probe) / reach * (DEPTHS - 1), (np.arctan2(x, y) + half) / (2 * half) * (BEAMS - 1)]
    image, seen = (ndimage.map_coordinates(a, at, order=1, cval=0) for a in (brightness, lesion))
    return image, seen, spacing
