"""Frontal projection of the chest, for XR: cm of tissue along each ray."""

import math

import numpy as np

from cbir.phantoms.anatomy import Anatomy, Case, pick, side_of
from cbir.phantoms.shapes import View, blob, branches, capsule, dome, ellipse, fill


def frontal_chest(case: Case, view: View) -> Anatomy:
    """Torso, lungs with vessels, heart, great vessels, diaphragm, spine, ribs and clavicles, and one finding."""
    body, scan = case.body, case.scan
    finding = case.finding
    build = case.build
    length = body.uniform(0.92, 1.1)
    half = 6.0 * body.uniform(0.93, 1.07)
    ratio = body.uniform(0.9, 1.12) * (case.lesion.uniform(1.35, 1.75) if finding == "cardiomegaly" else 1)
    spacing = body.uniform(2.1, 2.6)
    slope = body.uniform(0.03, 0.05)
    breath = scan.uniform(-1.4, 1.4)  # cm that the diaphragm stands lower or higher

    x, y = view.x, view.y
    outward = np.abs(x)
    torso = outward / (16.5 * build + 0.12 * np.clip(-y, 0, 20))
    shoulder = np.clip((y + 17.5 - 0.28 * np.clip(outward - 5, 0, None)) / 0.6, 0, 1)
    neck = fill(outward / 5.2, 0.05)
    soft = 19 * build * dome(torso) ** 0.7 * np.maximum(shoulder, neck * 0.6)
    bone = np.zeros_like(x)
    lung = np.zeros_like(x)
    pleural = np.zeros_like(x)
    lesion = np.zeros_like(x)
    place = ""

    side = pick(case.lesion, -1, 1)
    for s in (-1, 1):
        base = (10.2 if s > 0 else 9.0) * length + breath
        cage = ellipse(view, s * (half + 0.7), 2.5, half + 0.2, 14.5 * length)
        dome_line = base - 3.0 * (1 - ((outward - 0.9 * half) / (half * 1.05)) ** 2)
        above = np.clip((dome_line - y) / 0.35 + 0.5, 0, 1)
        shape = np.where(x * s > 0, fill(cage, 0.025) * above, 0)
        depth = 13.5 * np.sqrt(dome(cage * 0.97)) * shape
        vessels = branches(scan, view, s * 3.2, 0.2, 11) * depth * 0.09
        if s == side and finding == "effusion":
            height = case.lesion.uniform(3, 11) + breath * 0.2
            surface = base - height - 0.05 * height * np.clip(outward - 0.8 * half, 0, None) - 0.5
            lesion = shape * np.clip((y - surface) / 0.9, 0, 1)
            lesion = np.maximum(
                lesion, fill(cage, 0.025) * (x * s > 0) * np.clip((y - surface) / 0.9, 0, 1) * (y < base)
            )
            depth, vessels = depth * (1 - 0.85 * lesion), vessels * (1 - lesion)
            place = f"in the {side_of(s)} pleural space"
        if s == side and finding == "pneumothorax":
            collapse = case.lesion.uniform(0.5, 0.85)
            inner = ellipse(
                view,
                s * (half + 0.7 - 2.5 * (1 - collapse)),
                5.0,
                (half + 0.2) * collapse,
                14.5 * length * (collapse + 0.02),
            )
            lesion = shape * (1 - fill(inner, 0.02))
            vessels = vessels * (1 - lesion)
            depth = depth * (1 + 0.3 * lesion - (1 - collapse) * (1 - lesion))
            pleural = shape * np.exp(-(((inner - 1) / 0.018) ** 2)) * 0.9
            place = f"in the {side_of(s)} pleural space"
        lung += depth * (1 - lesion) if s == side and finding == "pneumothorax" else depth
        soft += vessels - 0.8 * depth + pleural
    heart_axes = (5.0 * ratio, 4.4 * ratio)
    heart = ellipse(view, 1.0 + 1.3 * ratio, 4.6 + 0.5 * breath, *heart_axes, 0.5)
    great = capsule(view, (-0.2, -12), (0.2, 3), 2.2, 2.7)
    knob = ellipse(view, 2.3, -4.6, 1.7, 1.9)
    atrium = ellipse(view, -1.8, 4.2, 2.2 * ratio, 3.4)
    hila = np.minimum(ellipse(view, -3.3, 0.2, 1.2, 2.1), ellipse(view, 3.6, -0.2, 1.2, 2.0))
    middle = np.maximum(10 * dome(heart) ** 0.6, np.maximum(7 * dome(great) ** 0.6, 6 * dome(atrium)))
    filled = np.minimum(np.maximum(middle, 4 * dome(knob)) + 1.2 * dome(hila), 0.95 * lung / 0.95 + 2)
    soft += 0.85 * filled
    lung -= np.minimum(lung, filled)
    trachea = capsule(view, (0, -18), (0.1, -2.5), 0.85)
    soft -= 1.3 * dome(trachea)

    discs = 0.75 + 0.25 * np.tanh(3 * np.cos(2 * math.pi * y / (spacing * 1.05)) + 1.5)
    bone += 1.1 * np.sqrt(dome(x / 1.75)) * discs * np.clip((18 - y) / 2, 0, 1)
    cage = np.minimum(ellipse(view, 0, 2, 2 * half + 1.5, 15.5 * length), 2)
    within = fill(cage, 0.02)
    for bow, width, weight in ((slope, 0.5, 0.55), (-slope * 1.7, 0.6, 0.3)):
        phase = (y - bow * (outward - 3.5) ** 2 + 1.0) / (spacing if bow > 0 else spacing * 1.15)
        rib = np.abs(phase - np.round(phase)) * spacing / width
        shell = dome(rib) * 0.5 + fill(np.abs(rib - 0.9) / 0.18, 0.5) * 0.5
        edge = 1 + 1.2 * np.clip(cage - 0.75, 0, 0.25) / 0.25  # ribs run along the ray at the flank
        bone += (
            weight
            * shell
            * within
            * edge
            * np.clip((12 - y) / 5, 0, 1)
            * np.clip((outward - (1.8 if bow > 0 else 5)) / 1.5, 0, 1)
        )
    for s in (-1, 1):
        clavicle = capsule(view, (s * 1.7, -9.2 * length), (s * 13, -12.5 * length), 0.6)
        scapula = capsule(view, (s * 13.5 * build, -10), (s * 11.5 * build, 0), 1.6, 0.6)
        bone += 0.8 * dome(clavicle) + 0.45 * dome(scapula)
        bone += 1.8 * dome(ellipse(view, s * 16.5 * build, -12.5, 2.3, 2.4))
    if finding == "nodule":
        count = int(case.lesion.integers(1, 6))
        for _ in range(count):
            radius = case.lesion.uniform(0.9, 2.2)
            at = side * (half + 0.7) * case.lesion.uniform(0.7, 1.4), case.lesion.uniform(-7, 5) * length
            ball = blob(case.lesion, view, *at, radius, radius, 0.06)
            soft += 2 * radius * dome(ball) * case.lesion.uniform(1.0, 1.6)
            lesion = np.maximum(lesion, fill(ball))
            side = pick(case.lesion, -1, 1)
        place = "in the lungs" if count > 1 else f"in the {side_of(at[0])} lung"
    if finding == "cardiomegaly":
        lesion, place = fill(np.minimum(heart, atrium)), "with a cardiothoracic ratio above one half"
    return Anatomy([("soft", np.clip(soft, 0.3 * (soft > 0.3), None)), ("lung", lung), ("bone", bone)], lesion, place)
