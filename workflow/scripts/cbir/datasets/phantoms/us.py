"""Ultrasound of phantoms: speckle, attenuation and shadows along the beams, displayed as a sector."""

import math

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import Anatomy, Case
from cbir.datasets.phantoms.imaging import Phantom
from cbir.datasets.phantoms.shapes import View, bend

# samples of each beam, and number of beams
DEPTHS, BEAMS = 360, 160
SHAPE = (240, 288)

# Echo level of each tissue in dB, and its attenuation in dB/cm. The attenuation is relative to the time gain
# compensation: it is negative for fluids, which attenuate less than the gain compensates.
ECHO = {
    "skin": (-6, 0), "fat": (-20, 0), "muscle": (-20, 0.1), "fascia": (-7, 0.1), "liver": (-16, 0),
    "vessel": (-42, -0.6), "wall": (-7, 0), "kidney": (-21, 0), "sinus": (-9, 0.3), "fluid": (-55, -2.0),
    "gas": (-19, 2.0), "diaphragm": (-1, 2.5), "stone": (2, 30), "thyroid": (-9, 0), "cartilage": (-16, 3),
    "bright mass": (-3, 0.2), "dark mass": (-30, 0.2), "mixed mass": (-17, 0.2),
}  # fmt: skip


def sector(case: Case, region: str) -> tuple[View, tuple]:
    """Place the beams of a probe in the body.

    Returns the positions of the samples as a view of shape (DEPTHS, BEAMS), and the shape of the sector: the radius of
    the probe (cm), half the opening angle (radians) and the depth (cm).
    """
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
    """Make a B-mode image with brightness from 0 to 1: fully developed speckle at the echo level of the tissues.

    Speckle is the envelope of complex Gaussian scatterers, blurred by the pulse. It is compressed logarithmically. A
    tissue that attenuates strongly casts a shadow on the samples below it, and a fluid makes them brighter.

    shape: the sector, as `sector` returns it.
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
    """Resample the beams to an image that shows the sector.

    brightness, lesion: (DEPTHS, BEAMS). Returns both with SHAPE, and the side of a pixel in cm.
    """
    probe, half, reach = shape
    top = probe * math.cos(half)
    spacing = 1.04 * max((probe + reach - top) / SHAPE[0], 2 * (probe + reach) * math.sin(half) / SHAPE[1])
    rows, cols = np.indices(SHAPE, dtype=np.float32)
    x, y = (cols - SHAPE[1] / 2) * spacing, top + (rows - 3) * spacing
    at = [(np.hypot(x, y) - probe) / reach * (DEPTHS - 1), (np.arctan2(x, y) + half) / (2 * half) * (BEAMS - 1)]
    image, seen = (ndimage.map_coordinates(a, at, order=1, cval=0) for a in (brightness, lesion))
    return image, seen, spacing
