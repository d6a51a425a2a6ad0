"""Geometry and textures of the phantoms: shapes as normalized radii on a grid in centimetres."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class View:
    """Where each pixel lies in the body: x to the image's right (the patient's left) and y down, (h, w) cm each."""

    x: np.ndarray
    y: np.ndarray
    spacing: float  # cm a pixel


def make_view(
    body: np.random.Generator,
    scan: np.random.Generator,
    shape: tuple[int, int],
    width: float,
    tilt: float = 5.0,
    warp: float = 0.3,
) -> View:
    """A view of the body: `width` cm across, posed by `scan`, in a body that is bent as `body` says.

    tilt: standard deviation of the rotation, degrees. warp: amplitude of the bending, cm. The zoom varies by 8 %
    and the centre by 7 % of the width (standard deviations).
    """
    height, columns = shape
    spacing = width * math.exp(scan.normal(0, 0.08)) / columns
    rows, cols = np.indices(shape, dtype=np.float32)
    x = (cols - columns / 2) * spacing + scan.normal(0, 0.07) * width
    y = (rows - height / 2) * spacing + scan.normal(0, 0.07) * width
    angle = math.radians(scan.normal(0, tilt))
    x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    return View(*bend(body, x, y, width, warp), spacing)


def bend(
    body: np.random.Generator, x: np.ndarray, y: np.ndarray, width: float, warp: float
) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates displaced by smooth waves of amplitude `warp`, so that no two bodies have the same outlines."""
    for _ in range(2):
        phases = body.uniform(0, 2 * math.pi, 4)
        per_cm = body.uniform(2, 7, 2) / width
        amplitude = float(body.normal(0, warp))
        x, y = (
            x + amplitude * np.sin(float(per_cm[0]) * y + float(phases[0])) * np.cos(x / width + float(phases[1])),
            y + amplitude * np.sin(float(per_cm[1]) * x + float(phases[2])) * np.cos(y / width + float(phases[3])),
        )
    return x, y


def ellipse(view: View, x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
    """(h, w) distance from (x, y) over the distance of the outline: 1 on it. angle: radians, clockwise on the image."""
    dx, dy = view.x - x, view.y - y
    cos, sin = math.cos(angle), math.sin(angle)
    return np.hypot((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry)


def blob(
    body: np.random.Generator, view: View, x: float, y: float, rx: float, ry: float, roughness: float = 0.12
) -> np.ndarray:
    """As `ellipse`, with an irregular outline: `roughness` is the relative amplitude of its lobes."""
    dx, dy = view.x - x, view.y - y
    theta = np.arctan2(dy, dx)
    outline = np.ones_like(theta)
    for lobes, share in ((2, 1.0), (3, 0.8), (4, 0.5), (6, 0.3)):
        outline += float(body.normal(0, roughness * share)) * np.cos(lobes * theta + body.uniform(0, 2 * math.pi))
    return np.hypot(dx / rx, dy / ry) / np.maximum(outline, 0.3)


def capsule(
    view: View, start: tuple[float, float], end: tuple[float, float], radius: float, end_radius: float | None = None
) -> np.ndarray:
    """(h, w) distance from the segment start-end over its radius, which tapers to `end_radius`: 1 on the outline."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((view.x - x0) * dx + (view.y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    distance = np.hypot(view.x - x0 - along * dx, view.y - y0 - along * dy)
    return distance / (radius if end_radius is None else radius + along * (end_radius - radius))


def union(*radii: np.ndarray, sharpness: float = 12) -> np.ndarray:
    """Normalized radius of several shapes together, with rounded junctions; sharper as `sharpness` grows."""
    return -np.log(sum(np.exp(-sharpness * np.minimum(radius, 3)) for radius in radii)) / sharpness


def fill(radius: np.ndarray, softness: float = 0.04) -> np.ndarray:
    """Coverage 0 to 1 of a shape from its normalized radii, with an edge of `softness` radii on either side."""
    return np.clip((1 - radius) / (2 * softness) + 0.5, 0, 1)


def fade(radius: np.ndarray) -> np.ndarray:
    """Coverage 1 at the centre, about a half at the outline, with no edge."""
    return np.exp(-0.7 * radius * radius)


def dome(radius: np.ndarray) -> np.ndarray:
    """Thickness 0 to 1 of an ellipsoid of this projection."""
    return np.sqrt(np.clip(1 - radius * radius, 0, None))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """(h, w) float32 Gaussian noise of unit variance with a correlation length of `sigma` pixels."""
    step = max(1, int(sigma / 2))
    coarse = rng.standard_normal([n // step + 2 for n in shape], dtype=np.float32)
    coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="reflect")
    coarse /= coarse.std() + 1e-6
    if step == 1:
        return coarse[: shape[0], : shape[1]]
    return ndimage.zoom(coarse, [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1)


def branches(rng: np.random.Generator, view: View, x: float, y: float, reach: float) -> np.ndarray:
    """(h, w) 0 to 1: vessels that fan out from (x, y) and thin out towards `reach` cm."""
    dx, dy = view.x - x, view.y - y
    distance = np.hypot(dx, dy) + 0.3
    noise = ndimage.gaussian_filter(rng.standard_normal((64, 128), dtype=np.float32), (1.6, 1.2), mode="wrap")
    noise /= noise.std()
    turns = (np.arctan2(dy, dx) / (2 * math.pi) + 0.5) * 128
    rings = np.log2(distance) * 6 + 16
    ridge = ndimage.map_coordinates(noise, [rings, turns], order=1, mode="grid-wrap")
    return np.exp(-((ridge / 0.35) ** 2)) * np.clip(1 - distance / reach, 0, 1)
