"""Frontal projection of the chest, for XR. Layers hold the thickness of a tissue along each ray in cm."""

import math
from dataclasses import dataclass

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick, side_of
from cbir.datasets.phantoms.shapes import View, blob, branches, capsule, dome, ellipse, fill

# thickness of a lung along the ray through its middle, cm
LUNG_DEPTH = 13.5


@dataclass
class _Chest:
    """Sizes of the chest of a patient. Lengths are in cm."""

    build: float  # girth, relative to the average
    length: float  # height of the lungs, relative to the average
    half: float  # half the width of a lung
    heart: float  # size of the heart, relative to the average
    rib_spacing: float
    rib_slope: float  # curvature of the posterior ribs, 1/cm


def frontal_chest(case: Case, view: View) -> Anatomy:
    """Torso, lungs with vessels, heart, great vessels, diaphragm, spine, ribs and clavicles, and one finding."""
    body = case.body
    chest = _Chest(
        build=case.build,
        length=body.uniform(0.92, 1.1),
        half=body.uniform(5.6, 6.4),
        heart=body.uniform(0.9, 1.12),
        rib_spacing=body.uniform(2.1, 2.6),
        rib_slope=body.uniform(0.03, 0.05),
    )
    breath = case.scan.uniform(-1.4, 1.4)  # distance by which the diaphragm is lower than on average, cm
    if case.finding == "cardiomegaly":
        chest.heart *= case.lesion.uniform(1.35, 1.75)
    affected = pick(case.lesion, -1, 1)

    outward = np.abs(view.x)
    torso = outward / (16.5 * chest.build + 0.12 * np.clip(-view.y, 0, 20))
    shoulder = np.clip((view.y + 17.5 - 0.28 * np.clip(outward - 5, 0, None)) / 0.6, 0, 1)
    soft = 19 * chest.build * dome(torso) ** 0.7 * np.maximum(shoulder, 0.6 * fill(outward / 5.2, 0.05))
    air, lesion, place = np.zeros_like(soft), np.zeros_like(soft), ""
    for side in (-1, 1):
        finding = case.finding if side == affected else "normal"
        spared, aerated, vessels, changed = _lung(case, view, chest, side, breath, finding)
        soft += vessels - 0.8 * spared
        air += aerated
        lesion = np.maximum(lesion, changed)
        if finding in ("effusion", "pneumothorax"):
            place = f"in the {side_of(side)} pleural space"

    heart = ellipse(view, 1.0 + 1.3 * chest.heart, 4.6 + 0.5 * breath, 5.0 * chest.heart, 4.4 * chest.heart, 0.5)
    atrium = ellipse(view, -1.8, 4.2, 2.2 * chest.heart, 3.4)
    great = capsule(view, (-0.2, -12), (0.2, 3), 2.2, 2.7)
    knob = ellipse(view, 2.3, -4.6, 1.7, 1.9)
    hila = np.minimum(ellipse(view, -3.3, 0.2, 1.2, 2.1), ellipse(view, 3.6, -0.2, 1.2, 2.0))
    middle = np.maximum(10 * dome(heart) ** 0.6, np.maximum(7 * dome(great) ** 0.6, 6 * dome(atrium)))
    middle = np.minimum(np.maximum(middle, 4 * dome(knob)) + 1.2 * dome(hila), air + 2)
    trachea = capsule(view, (0, -18), (0.1, -2.5), 0.85)
    soft += 0.85 * middle - 1.3 * dome(trachea)
    air -= np.minimum(air, middle)

    if case.finding == "nodule":
        count = int(case.lesion.integers(1, 6))
        for _ in range(count):
            radius = case.lesion.uniform(0.9, 2.2)
            at = (
                affected * (chest.half + 0.7) * case.lesion.uniform(0.7, 1.4),
                case.lesion.uniform(-7, 5) * chest.length,
            )
            ball = blob(case.lesion, view, *at, radius, radius, 0.06)
            soft += 2 * radius * dome(ball) * case.lesion.uniform(1.0, 1.6)
            lesion = np.maximum(lesion, fill(ball))
            affected = pick(case.lesion, -1, 1)
        place = "in the lungs" if count > 1 else f"in the {side_of(at[0])} lung"
    if case.finding == "cardiomegaly":
        lesion, place = fill(np.minimum(heart, atrium)), "with a cardiothoracic ratio above one half"
    soft = np.clip(soft, 0.3 * (soft > 0.3), None)
    return Anatomy([("soft", soft), ("lung", air), ("bone", _skeleton(view, chest))], lesion, place)


def _lung(case, view, chest, side, breath, finding):
    """Make one lung, on the side -1 (right) or 1 (left).

    Returns, for each ray, the thickness of soft tissue that the lung replaces, of aerated lung and of vessels with
    pleura, in cm; and the coverage by the lesion.
    """
    outward = np.abs(view.x)
    base = (10.2 if side > 0 else 9.0) * chest.length + breath
    height = 14.5 * chest.length
    centre = side * (chest.half + 0.7)
    outline = ellipse(view, centre, 2.5, chest.half + 0.2, height)
    diaphragm = base - 3.0 * (1 - ((outward - 0.9 * chest.half) / (chest.half * 1.05)) ** 2)
    hemithorax = fill(outline, 0.025) * (view.x * side > 0)
    shape = hemithorax * np.clip((diaphragm - view.y) / 0.35 + 0.5, 0, 1)
    spared = LUNG_DEPTH * np.sqrt(dome(outline * 0.97)) * shape
    vessels = 0.09 * spared * branches(case.scan, view, side * 3.2, 0.2, 11)
    if finding == "effusion":
        rise = case.lesion.uniform(3, 11) + 0.2 * breath
        surface = base - 0.5 - rise * (1 + 0.05 * np.clip(outward - 0.8 * chest.half, 0, None))
        fluid = np.clip((view.y - surface) / 0.9, 0, 1) * np.maximum(shape, hemithorax * (view.y < base))
        spared *= 1 - 0.85 * fluid
        return spared, spared, vessels * (1 - fluid), fluid
    if finding == "pneumothorax":
        left = case.lesion.uniform(0.5, 0.85)  # width of the collapsed lung, relative to its normal width
        collapsed = ellipse(
            view, centre - side * 2.5 * (1 - left), 5.0, (chest.half + 0.2) * left, height * (left + 0.02)
        )
        empty = shape * (1 - fill(collapsed, 0.02))
        pleura = 0.9 * shape * np.exp(-(((collapsed - 1) / 0.018) ** 2))
        spared *= 1 + 0.3 * empty - (1 - left) * (1 - empty)
        return spared, spared * (1 - empty), vessels * (1 - empty) + pleura, empty
    return spared, spared, vessels, np.zeros_like(spared)


def _skeleton(view, chest):
    """Thickness of bone along each ray, cm."""
    outward = np.abs(view.x)
    discs = 0.75 + 0.25 * np.tanh(3 * np.cos(2 * math.pi * view.y / (chest.rib_spacing * 1.05)) + 1.5)
    bone = 1.1 * np.sqrt(dome(view.x / 1.75)) * discs * np.clip((18 - view.y) / 2, 0, 1)
    cage = np.minimum(ellipse(view, 0, 2, 2 * chest.half + 1.5, 15.5 * chest.length), 2)
    edge = 1 + 1.2 * np.clip(cage - 0.75, 0, 0.25) / 0.25  # at the flanks, the ribs run along the ray
    posterior = (chest.rib_slope, chest.rib_spacing, 0.5, 0.55, 1.8)
    anterior = (-1.7 * chest.rib_slope, 1.15 * chest.rib_spacing, 0.6, 0.3, 5)
    for bow, spacing, width, depth, start in (posterior, anterior):
        phase = (view.y - bow * (outward - 3.5) ** 2 + 1.0) / spacing
        rib = np.abs(phase - np.round(phase)) * spacing / width
        shell = dome(rib) * 0.5 + fill(np.abs(rib - 0.9) / 0.18, 0.5) * 0.5
        shown = np.clip((12 - view.y) / 5, 0, 1) * np.clip((outward - start) / 1.5, 0, 1)
        bone += depth * shell * fill(cage, 0.02) * edge * shown
    for side in (-1, 1):
        clavicle = capsule(view, (side * 1.7, -9.2 * chest.length), (side * 13, -12.5 * chest.length), 0.6)
        scapula = capsule(view, (side * 13.5 * chest.build, -10), (side * 11.5 * chest.build, 0), 1.6, 0.6)
        humerus = ellipse(view, side * 16.5 * chest.build, -12.5, 2.3, 2.4)
        bone += 0.8 * dome(clavicle) + 0.45 * dome(scapula) + 1.8 * dome(humerus)
    return bone
