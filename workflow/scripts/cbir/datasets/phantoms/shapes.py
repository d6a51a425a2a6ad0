"""Shapes and textures of the phantoms.

A shape is an array of normalized radii: the distance of each pixel from the centre (or axis) of the shape, divided by
the distance of the outline in the same direction. It is below 1 inside, 1 on the outline and above 1 outside. Lengths
are in centimetres.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class View:
    """Position of each pixel in the body: x to the right of the image (the patient's left), y down; (h, w) cm each."""

    x: np.ndarray
    y: np.ndarray
    spacing: float  # side of a pixel, cm


def make_view(
    body: np.random.Generator,
    scan: np.random.Generator,
    shape: tuple[int, int],
    width: float,
    tilt: float = 5.0,
    warp: float = 0.3,
) -> View:
    """Draw a view of a body.

    body: generator of the shape of the body, which is bent by smooth waves. scan: generator of the pose: zoom, centre
    and rotation. shape: height and width in pixels. width: width of the field of view, cm. tilt: standard deviation of
    the rotation, degrees. warp: standard deviation of the waves' amplitude, cm.

    The zoom has a standard deviation of 8 %, and the centre one of 7 % of the width.
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
    """Displace coordinates by smooth waves, so that no two bodies have the same outlines.

    x, y: coordinates, cm. width: width of the field of view, cm. warp: standard deviation of the amplitude, cm.
    """
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
    """Normalized radii (h, w) of an ellipse with centre (x, y) and half-axes rx and ry in cm.

    angle: rotation, radians, clockwise on the image.

    >>> view = View(np.array([0.0, 2.0, 4.0]), np.zeros(3), spacing=2.0)
    >>> ellipse(view, x=0, y=0, rx=2, ry=1).tolist()
    [0.0, 1.0, 2.0]
    """
    dx, dy = view.x - x, view.y - y
    cos, sin = math.cos(angle), math.sin(angle)
    return np.hypot((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry)


def blob(
    body: np.random.Generator, view: View, x: float, y: float, rx: float, ry: float, roughness: float = 0.12
) -> np.ndarray:
    """Normalized radii (h, w) of an ellipse with an irregular outline.

    x, y: centre, cm. rx, ry: half-axes, cm. roughness: relative amplitude of the lobes, as a standard deviation.
    """
    dx, dy = view.x - x, view.y - y
    theta = np.arctan2(dy, dx)
    outline = np.ones_like(theta)
    for lobes, share in ((2, 1.0), (3, 0.8), (4, 0.5), (6, 0.3)):
        outline += float(body.normal(0, roughness * share)) * np.cos(lobes * theta + body.uniform(0, 2 * math.pi))
    return np.hypot(dx / rx, dy / ry) / np.maximum(outline, 0.3)


def capsule(
    view: View, start: tuple[float, float], end: tuple[float, float], radius: float, end_radius: float | None = None
) -> np.ndarray:
    """Normalized radii (h, w) of a capsule: all points within a radius of the segment from `start` to `end`.

    radius: radius at the start, cm. end_radius: radius at the end, cm; the same by default.

    >>> view = View(np.array([1.0, 1.0, 4.0]), np.array([0.0, 0.5, 0.0]), spacing=1.0)
    >>> capsule(view, start=(0, 0), end=(2, 0), radius=0.5).tolist()
    [0.0, 1.0, 4.0]
    """
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((view.x - x0) * dx + (view.y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    distance = np.hypot(view.x - x0 - along * dx, view.y - y0 - along * dy)
    return distance / (radius if end_radius is None else radius + along * (end_radius - radius))


def union(*radii: np.ndarray, sharpness: float = 12) -> np.ndarray:
    """Normalized radii of several shapes as one, with rounded junctions.

    radii: the normalized radii of each shape. sharpness: the larger, the less rounded are the junctions.

    >>> union(np.array([0.2, 2.0]), np.array([1.5, 0.8])).round(3).tolist()
    [0.2, 0.8]
    """
    return -np.log(sum(np.exp(-sharpness * np.minimum(radius, 3)) for radius in radii)) / sharpness


def fill(radius: np.ndarray, softness: float = 0.04) -> np.ndarray:
    """Coverage of each pixel by a shape, from 0 (outside) to 1 (inside).

    softness: half the width of the edge, in normalized radii.

    >>> fill(np.array([0.5, 1.0, 1.5])).tolist()
    [1.0, 0.5, 0.0]
    """
    return np.clip((1 - radius) / (2 * softness) + 0.5, 0, 1)


def fade(radius: np.ndarray) -> np.ndarray:
    """Coverage by a shape without an edge: 1 at the centre, exp(-0.7) or about a half on the outline.

    >>> fade(np.array([0.0, 1.0, 2.0])).round(2).tolist()
    [1.0, 0.5, 0.06]
    """
    return np.exp(-0.7 * radius * radius)


def dome(radius: np.ndarray) -> np.ndarray:
    """Thickness of an ellipsoid along each ray, relative to its centre; `radius` is that of its projection.

    >>> dome(np.array([0.0, 0.6, 1.0, 2.0])).tolist()
    [1.0, 0.8, 0.0, 0.0]
    """
    return np.sqrt(np.clip(1 - radius * radius, 0, None))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Gaussian noise (h, w) float32 of about unit variance, with a correlation length of `sigma` pixels."""
    step = max(1, int(sigma / 2))
    coarse = rng.standard_normal([n // step + 2 for n in shape], dtype=np.float32)
    coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="reflect")
    coarse /= coarse.std() + 1e-6
    if step == 1:
        return coarse[: shape[0], : shape[1]]
    return ndimage.zoom(coarse, [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1)


def branches(rng: np.random.Generator, view: View, x: float, y: float, reach: float) -> np.ndarray:
    """Coverage (h, w) by vessels that spread from (x, y) in all directions and fade out at a distance of `reach` cm."""
    dx, dy = view.x - x, view.y - y
    distance = np.hypot(dx, dy) + 0.3
    noise = ndimage.gaussian_filter(rng.standard_normal((64, 128), dtype=np.float32), (1.6, 1.2), mode="wrap")
    noise /= noise.std()
    turns = (np.arctan2(dy, dx) / (2 * math.pi) + 0.5) * 128
    rings = np.log2(distance) * 6 + 16
    ridge = ndimage.map_coordinates(noise, [rings, turns], order=1, mode="grid-wrap")
    return np.exp(-((ridge / 0.35) ** 2)) * np.clip(1 - distance / reach, 0, 1)
