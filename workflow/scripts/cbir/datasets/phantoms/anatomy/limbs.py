"""Frontal projections of the hand and the knee, for XR. Layers hold the thickness of a tissue along each ray in cm."""

import math

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick
from cbir.datasets.phantoms.shapes import View, blob, capsule, dome, ellipse, fill, smooth_noise, union


def _bone(radius: np.ndarray, half_depth: float, cortex: float = 0.8) -> np.ndarray:
    """Thickness of bone along each ray through a tubular or round bone, cm: a dense shell with spongy bone inside.

    radius: normalized radii of the projection. half_depth: half the thickness of the bone, cm. cortex: radius of the
    spongy bone, relative to that of the whole bone.
    """
    return 2 * half_depth * (dome(radius) - 0.75 * cortex * dome(radius / cortex))


def _break(
    rng: np.random.Generator, view: View, at: tuple[float, float], along: tuple[float, float]
) -> tuple[View, np.ndarray, np.ndarray]:
    """Break a bone at a point.

    at: point of the fracture. along: direction of the bone; the length of this vector is the size of the fracture, cm.
    Returns a view in which the part beyond the fracture is displaced, the coverage by the gap, and the coverage by its
    surroundings.
    """
    tilt = math.atan2(along[1], along[0]) + rng.uniform(-0.5, 0.5)
    size = math.hypot(*along)
    cos, sin = math.cos(tilt), math.sin(tilt)
    jag = 0.05 * size * np.sin((view.y * cos - view.x * sin) * 9 / size + rng.uniform(0, 6))
    beyond = (view.x - at[0]) * cos + (view.y - at[1]) * sin + jag
    far = np.clip(beyond / 0.05 + 0.5, 0, 1)
    shift = rng.uniform(0.4, 0.9) * size * pick(rng, -1, 1)
    moved = View(view.x + far * shift * -sin, view.y + far * shift * cos, view.spacing)
    gap = np.exp(-((beyond / (0.09 * size)) ** 2)) * rng.uniform(0.7, 1)
    return moved, gap, np.clip(1.5 - np.abs(beyond) / (0.4 * size), 0, 1)


def frontal_knee(case: Case, view: View) -> Anatomy:
    """Femur, tibia, fibula and patella in soft tissue, and one finding."""
    body = case.body
    size = body.uniform(0.9, 1.12)
    side = pick(body, -1, 1)  # side of the image on which the fibula is
    space = body.uniform(0.4, 0.65)
    girth = body.uniform(5.2, 6.4) * case.build * size
    lean = body.normal(0, 0.5)
    rng = case.lesion
    worn = case.finding == "arthrosis"
    lesion, place = np.zeros_like(view.x), ""

    upper = lower = view
    gap = around = np.zeros_like(view.x)
    if case.finding == "fracture":
        femoral = pick(rng, True, False)
        at = (lean * 0.3, -rng.uniform(4.5, 8)) if femoral else (0.0, rng.uniform(4, 8))
        broken, gap, around = _break(rng, view, at, (0.0, -1.3 if femoral else 1.3))
        upper, lower = (broken, view) if femoral else (view, broken)
    shut = rng.uniform(0.5, 0.95) if worn else 0.0
    rise = shut * space
    tilt = shut * 0.12 * pick(rng, -1, 1)

    condyles = [ellipse(upper, s * 2.1 * size, -2.2 * size, 2.2 * size, 2.35 * size) for s in (-1, 1)]
    shaft = capsule(upper, (lean, -16), (0.1 * lean, -2.6), 1.4 * size, 2.7 * size)
    top = 0.15 * size + space - rise
    plateau = ellipse(lower, 0, top + 1.5, 4.2 * size, 1.5, tilt)
    tibia = capsule(lower, (0, top + 1.8), (-0.4 * lean, 16), 2.6 * size, 1.3 * size)
    fibula = capsule(lower, (side * 3.5 * size, top + 2.8), (side * 3.3 * size, 16), 0.75 * size, 0.6 * size)
    patella = ellipse(upper, 0.2 * lean, -3.6 * size, 2.0 * size, 2.2 * size)
    femur, shin = union(*condyles, shaft), union(plateau, tibia)
    bone = _bone(femur, 1.7, 0.86) + _bone(shin, 1.7, 0.86) + _bone(fibula, 0.6, 0.65) + 0.35 * _bone(patella, 1.0, 0.8)
    outline = np.minimum(np.minimum(femur, shin), fibula)
    bone *= 1 + 0.12 * smooth_noise(case.scan, view.x.shape, 1.2)
    if case.finding == "fracture":
        bone *= 1 - gap
        lesion = around * fill(outline, 0.1)
        place = "of the distal femur" if femoral else "of the proximal tibia"
    if worn:
        joint = np.exp(-(((view.y - top + 0.2) / 0.45) ** 2)) * fill(np.abs(view.x) / (4.0 * size), 0.1)
        bone *= 1 + 0.5 * joint * shut
        for s in (-1, 1):
            for y in (-0.9 * size, top + 0.6):
                spur = blob(rng, view, s * 4.25 * size, y, rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.4), 0.1)
                bone += 0.9 * dome(spur)
                joint = np.maximum(joint, fill(spur, 0.1))
        lesion, place = joint, "with a narrow joint space and osteophytes"
    flesh = np.abs(view.x - 0.02 * view.y) / (girth * (1 - 0.012 * view.y + 0.08 * np.cos(view.y / 3)))
    return Anatomy([("soft", 2 * girth * 0.8 * dome(flesh)), ("bone", bone)], lesion, place)


def frontal_hand(case: Case, view: View) -> Anatomy:
    """Forearm, carpus, five rays and their soft tissue, and one finding."""
    body = case.body
    size = body.uniform(0.88, 1.1)
    mirror = pick(body, -1, 1)
    spread = body.uniform(0.05, 0.17)
    flesh = body.uniform(0.85, 1.05) * case.build**0.5
    lengths = body.uniform(0.95, 1.05, (5, 4))
    angles = body.normal(0, 0.04, 5)
    rng = case.lesion
    side = "right" if mirror > 0 else "left"
    place = ""
    hurt_fingers = set(rng.permutation(np.arange(1, 5))[: int(rng.integers(1, 4))].tolist())
    hurt_bone = int(rng.integers(0, 2))
    if case.finding == "fracture":
        rays = " and ".join(str(finger + 1) for finger in sorted(hurt_fingers))
        place = f"of {('metacarpal', 'proximal phalanx')[hurt_bone]} {rays} of the {side} hand"

    bone, soft, lesion = (np.zeros_like(view.x) for _ in range(3))
    knuckles = []
    for finger in range(5):
        thumb = finger == 0
        angle = (-0.75 if thumb else (finger - 2.5) * spread * 1.3) + float(angles[finger])
        direction = (math.sin(angle) * mirror, -math.cos(angle))
        start = (
            (-1.9 if thumb else (finger - 2.5) * 1.35) * size * mirror,
            (4.4 if thumb else 3.6 + 0.15 * abs(finger - 2)) * size,
        )
        reach = (4.2, 6.5, 6.4, 5.8, 5.3)[finger] * size
        parts = (1.0, 0.72, 0.52) if thumb else (1.0, 0.66, 0.4, 0.28)
        seen = view  # beyond a fracture, the rest of the finger is displaced
        for number, part in enumerate(parts):
            length = reach * part * float(lengths[finger, number]) * (0.78 if thumb else 1)
            end = (start[0] + direction[0] * length, start[1] + direction[1] * length)
            radius = (0.42, 0.36, 0.3, 0.24)[number] * size
            hurt = case.finding == "fracture" and finger in hurt_fingers and number == hurt_bone
            if hurt:
                share = rng.uniform(0.3, 0.7)
                at = tuple(s + share * (e - s) for s, e in zip(start, end, strict=True))
                seen, gap, around = _break(rng, view, at, tuple(0.55 * d for d in direction))
            tube = _finger_bone(seen, start, end, radius)
            piece = _bone(tube, radius * 0.9, 0.68)
            if hurt:
                piece = piece * (1 - gap)
                lesion = np.maximum(lesion, around * fill(tube, 0.2))
            bone = np.maximum(bone, piece)
            wrap = (1.05 if number == 0 else 0.85 - 0.09 * number) * size * flesh
            soft = np.maximum(soft, 2 * wrap * dome(capsule(view, start, end, wrap, wrap * 0.95)))
            if number in (1, 2) and not thumb:
                knuckles.append(start)
            joint = radius * (1.25 if number == 0 else 1.15)
            start = tuple(e + 2 * d * joint for e, d in zip(end, direction, strict=True))
    bone = np.maximum(bone, _wrist(body, view, size, mirror))
    soft = np.maximum(soft, _palm(view, size, mirror, flesh))
    if case.finding == "erosion":
        chosen = rng.permutation(len(knuckles))[: int(rng.integers(3, 8))]
        for index in chosen:
            x, y = knuckles[index]
            radius = rng.uniform(0.3, 0.55) * size
            bite = blob(rng, view, x + rng.uniform(-0.35, 0.35), y + rng.uniform(-0.4, 0.5), radius, radius, 0.15)
            bone *= 1 - rng.uniform(0.6, 0.95) * fill(bite, 0.2)
            soft += 0.5 * dome(ellipse(view, x, y, 1.0, 1.1))
            lesion = np.maximum(lesion, fill(bite, 0.2))
        place = f"at {len(chosen)} finger joints of the {side} hand"
    bone *= 1 + 0.1 * smooth_noise(case.scan, view.x.shape, 1.2)
    return Anatomy([("soft", soft), ("bone", bone)], lesion, place)


def _finger_bone(view: View, start: tuple[float, float], end: tuple[float, float], radius: float) -> np.ndarray:
    """Normalized radii of a metacarpal or phalanx: a shaft with two thicker ends. radius: cm."""
    shaft = capsule(view, start, end, radius * 0.75)
    ends = union(ellipse(view, *start, radius * 1.25, radius * 1.05), ellipse(view, *end, radius * 1.2, radius * 1.1))
    return union(shaft, ends)


def _wrist(body: np.random.Generator, view: View, size: float, mirror: int) -> np.ndarray:
    """Thickness of the carpal bones, radius and ulna along each ray, cm."""
    bone = np.zeros_like(view.x)
    for index in range(8):
        at = ((index % 4 - 1.6) * 1.15 * size * mirror, (5.0 if index < 4 else 6.1) * size)
        carpal = blob(body, view, *at, 0.72 * size, 0.62 * size, 0.05)
        bone = np.maximum(bone, _bone(carpal, 0.65, 0.88))
    for x, radius in ((-0.7, 1.15), (1.35, 0.75)):
        start, end = (x * size * mirror, 7.7 * size), (x * size * mirror * 1.05, 20)
        bone = np.maximum(bone, _bone(capsule(view, start, end, radius * size, 0.6 * size), 0.5, 0.72))
    return bone


def _palm(view: View, size: float, mirror: int, flesh: float) -> np.ndarray:
    """Thickness of the soft tissue of palm and forearm along each ray, cm. flesh: relative to the average."""
    palm = np.minimum(
        capsule(view, (0.3 * mirror, 0.6 * size), (0.1 * mirror, 5.2 * size), 3.2 * size * flesh, 2.5 * size * flesh),
        capsule(view, (0.2 * mirror, 5 * size), (0.2 * mirror, 20), 2.5 * size * flesh),
    )
    return 2.6 * size * dome(palm) ** 0.5
