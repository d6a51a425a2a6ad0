"""Axial slices of the chest and the abdomen, for CT."""

import math

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick, side_of
from cbir.datasets.phantoms.shapes import View, blob, branches, capsule, ellipse, fill, smooth_noise


def _wall(case: Case, view: View, rx: float, ry: float, ribs: bool) -> tuple[list, float, float]:
    """Layers of skin, fat, muscle and ribs. Also returns the half-axes of the cavity inside, in cm."""
    body = case.body
    fat = body.uniform(0.6, 1.6) * case.build**3
    muscle = body.uniform(1.2, 2.0)
    layers = [
        ("muscle", fill(ellipse(view, 0, 0, rx, ry), 0.01)),
        ("fat", fill(ellipse(view, 0, 0, rx - 0.2, ry - 0.2), 0.01)),
        ("muscle", fill(ellipse(view, 0, 0, rx - fat, ry - fat), 0.02)),
    ]
    rx, ry = rx - fat - muscle, ry - fat - muscle * 0.8
    if ribs:
        turn = np.arctan2(view.y / ry, view.x / rx)
        ring = np.abs(ellipse(view, 0, 0, rx + 0.6, ry + 0.6) - 1) * ry / 0.45
        spots = np.abs(np.sin(turn * body.integers(5, 8) / 2 * 2 + case.scan.uniform(0, math.pi))) / 0.55
        rib = np.hypot(ring, spots)
        layers += [("bone", fill(rib, 0.15)), ("marrow", fill(rib * 1.8, 0.2))]
    return layers, rx, ry


def _spine(case: Case, view: View, y: float) -> list:
    """Layers of a vertebra with its centre at a height of y, the spinal canal and the muscles of the back."""
    scale = case.body.uniform(0.9, 1.15)
    vertebra = ellipse(view, 0, y, 2.1 * scale, 1.6 * scale)
    arch = np.minimum(
        capsule(view, (0, y + 2.6), (0, y + 4.6), 0.45),
        np.minimum(capsule(view, (0, y + 2.8), (-3.2, y + 2.6), 0.5), capsule(view, (0, y + 2.8), (3.2, y + 2.6), 0.5)),
    )
    muscles = np.minimum(ellipse(view, -3.2, y + 3.4, 2.6, 1.9), ellipse(view, 3.2, y + 3.4, 2.6, 1.9))
    return [
        ("muscle", fill(muscles)),
        ("bone", fill(np.minimum(vertebra, arch), 0.05)),
        ("marrow", fill(vertebra * 1.12, 0.05)),
        ("csf", fill(ellipse(view, 0, y + 2.1 * scale, 0.9, 0.75))),
    ]


def axial_chest(case: Case, view: View) -> Anatomy:
    """Chest wall, lungs with vessels, heart or great vessels, spine, and one finding."""
    body, scan = case.body, case.scan
    layers, rx, ry = _wall(case, view, 16.5 * case.build * body.uniform(0.95, 1.05), 11 * case.build, ribs=True)
    gap = body.uniform(1.6, 2.4)
    heart = body.uniform(0.85, 1.15)

    level = scan.uniform(0, 1)  # height of the slice, from 0 (aortic arch) to 1 (heart)
    lungs = np.minimum(
        *(ellipse(view, s * (rx + gap) / 2, 0.3, (rx - gap) / 2 + 0.6, ry * (0.88 + 0.1 * level)) for s in (-1, 1))
    )
    wide = (2.6 + 2.3 * level) * heart
    mediastinum = np.minimum(
        blob(body, view, 0.4 + 1.8 * level, -2.2 + 0.6 * level, wide, wide * 0.85, 0.05),
        capsule(view, (0, -ry + 1.5), (0, ry * 0.5), gap * 0.75),
    )
    cavity = fill(ellipse(view, 0, 0, rx, ry), 0.02)
    lung = fill(lungs, 0.02) * (1 - fill(mediastinum, 0.03)) * (1 - fill(ellipse(view, 0, ry * 0.72, 2.6, 2.6), 0.05))
    vessels = np.maximum(branches(scan, view, -gap - 1.2, 0, 9), branches(scan, view, gap + 1.2, 0, 9))
    layers += [
        ("fat", cavity),
        ("lung", lung),
        ("muscle", lung * np.clip(vessels * 1.3 - 0.25, 0, 1)),
        ("fat", fill(mediastinum) * 0.6),
        ("blood pool", fill(mediastinum * 1.12, 0.03) * (0.5 + 0.5 * (level > 0.4))),
        ("blood pool", fill(ellipse(view, 1.9, ry * 0.42, 1.3, 1.3))),
        ("blood pool", fill(ellipse(view, 0.6, -2.6, 1.9, 1.4, 0.5)) * (level < 0.4)),
        ("air", fill(ellipse(view, -0.1, 0.6, 0.85, 0.75)) * (level < 0.5)),
        *_spine(case, view, ry * 0.66),
    ]
    lesions, lesion, place = _chest_lesion(case, view, lung, rx, ry)
    return Anatomy(layers + lesions, lesion, place)


def _chest_lesion(case, view, lung, rx, ry):
    """Layers of the finding, its coverage, and its place in words. lung: coverage by the lungs."""
    rng = case.lesion
    side = pick(rng, -1, 1)
    if case.finding == "nodule":
        count = int(rng.integers(1, 6))
        spots = np.zeros_like(view.x)
        for _ in range(count):
            x, y = side * rng.uniform(0.4, 0.75) * rx, rng.uniform(-0.45, 0.55) * ry
            radius = rng.uniform(0.7, 1.9) * case.cut
            spots = np.maximum(spots, fill(blob(rng, view, x, y, radius, radius, 0.07), 0.12) * lung)
            side = pick(rng, -1, 1)
        return [("tumour", spots)], spots, "in the lungs" if count > 1 else f"in the {side_of(x)} lung"
    if case.finding == "effusion":
        height = rng.uniform(0.25, 0.75) * ry * case.cut
        outward = np.abs(view.x) / rx
        surface = ry * 0.9 - height - 1.6 * np.maximum(outward - 0.5, 0) * height
        fluid = np.clip((view.y - surface) / 0.2, 0, 1) * lung * (view.x * side > 0)
        return [("fluid", fluid)], fluid, f"in the {side_of(side)} pleural space"
    if case.finding == "emphysema":
        holes = smooth_noise(rng, view.x.shape, rng.uniform(0.35, 0.7) / view.spacing)
        bullae = np.clip((holes - rng.uniform(0.0, 0.6)) / 0.3, 0, 1) * lung
        return [("bulla", bullae)], bullae, "in both lungs"
    return [], np.zeros_like(view.x), ""


def axial_abdomen(case: Case, view: View) -> Anatomy:
    """Abdominal wall, liver, spleen, stomach, kidneys, vessels, bowel, spine, and one finding."""
    body, scan = case.body, case.scan
    layers, rx, ry = _wall(case, view, 15.5 * case.build * body.uniform(0.95, 1.05), 10.5 * case.build, ribs=False)
    size = body.uniform(0.85, 1.1)
    kidney_size = body.uniform(0.85, 1.1)
    shapes = np.random.default_rng(body.integers(2**32))

    level = scan.uniform(0, 1)  # height of the slice, from 0 (dome of the spleen) to 1 (hilum of the kidneys)
    cavity = fill(ellipse(view, 0, 0, rx, ry), 0.02)
    reach = size * (1 - 0.3 * level)
    liver_at = (-0.48 * rx, -0.12 * ry)
    liver = fill(blob(shapes, view, *liver_at, 0.6 * rx * reach, 0.85 * ry * reach, 0.06), 0.03) * cavity
    left_lobe = fill(ellipse(view, -0.05 * rx, -0.45 * ry, 0.35 * rx * reach, 0.28 * ry * reach), 0.06) * cavity
    spleen = fill(blob(shapes, view, 0.72 * rx, 0.25 * ry, 0.2 * rx * reach, 0.42 * ry * reach, 0.06), 0.04) * cavity
    stomach = fill(blob(shapes, view, 0.42 * rx, -0.4 * ry, 0.3 * rx, 0.3 * ry, 0.08), 0.05) * cavity
    layers += [("fat", cavity)]
    for _ in range(int(6 + 6 * level)):
        x, y = shapes.uniform(-0.75, 0.75) * rx, shapes.uniform(-0.75, 0.15) * ry
        loop = blob(shapes, view, x, y, shapes.uniform(0.9, 1.9), shapes.uniform(0.8, 1.6), 0.1)
        layers += [("muscle", fill(loop, 0.06) * cavity), ("fluid", fill(loop * 1.3, 0.06) * cavity * 0.7)]
        if shapes.uniform() < 0.35:
            layers += [("air", fill(loop * 1.45, 0.06) * (view.y < y) * cavity)]
    layers += [
        ("liver", np.maximum(liver, left_lobe)),
        ("blood pool", np.clip(branches(scan, view, -0.2 * rx, -0.1 * ry, 8) * 1.4 - 0.5, 0, 1) * liver),
        ("spleen", spleen),
        ("muscle", stomach),
        ("fluid", stomach * (view.y > -0.35 * ry)),
        ("air", fill(ellipse(view, 0.4 * rx, -0.5 * ry, 0.22 * rx, 0.15 * ry), 0.06) * (level < 0.7)),
    ]
    kidneys = {}
    for side in (-1, 1):
        x, y = side * 0.47 * rx, 0.42 * ry
        kidneys[side] = (x, y)
        kidney = ellipse(view, x, y, 2.4 * kidney_size, 3.0 * kidney_size, side * 0.5)
        sinus = ellipse(view, x - side * 0.9, y - 0.3, 1.2, 1.3, side * 0.5)
        layers += [
            ("kidney", fill(kidney, 0.04)),
            ("fat", fill(sinus, 0.2) * fill(kidney, 0.1) * (0.2 + 0.5 * level)),
        ]
    layers += [
        ("blood pool", fill(ellipse(view, 0.9, 0.28 * ry, 1.0, 1.0))),
        ("blood pool", fill(ellipse(view, -1.7, 0.2 * ry, 1.3, 1.0))),
        *_spine(case, view, 0.55 * ry),
    ]
    lesions, lesion, place = _abdomen_lesion(case, view, liver, liver_at, kidneys, rx, ry)
    return Anatomy(layers + lesions, lesion, place)


def _abdomen_lesion(case, view, liver, liver_at, kidneys, rx, ry):
    """Layers of the finding, its coverage, and its place in words. liver: coverage by the liver."""
    rng = case.lesion
    side = pick(rng, -1, 1)
    x, y = liver_at[0] + rng.uniform(-0.15, 0.2) * rx, liver_at[1] + rng.uniform(-0.3, 0.3) * ry
    if case.finding == "cyst":
        spots = np.zeros_like(view.x)
        for _ in range(int(rng.integers(1, 5))):
            radius = rng.uniform(1.0, 2.6) * case.cut
            spots = np.maximum(spots, fill(ellipse(view, x, y, radius, radius), 0.06) * liver)
            x, y = liver_at[0] + rng.uniform(-0.3, 0.25) * rx, liver_at[1] + rng.uniform(-0.4, 0.4) * ry
        return [("fluid", spots)], spots, "in the liver"
    if case.finding == "tumour":
        mass = np.full_like(view.x, np.inf)
        for _ in range(int(rng.integers(1, 5))):
            radius = rng.uniform(1.4, 2.8) * case.cut
            mass = np.minimum(mass, blob(rng, view, x, y, radius, radius, 0.08))
            x, y = liver_at[0] + rng.uniform(-0.3, 0.25) * rx, liver_at[1] + rng.uniform(-0.4, 0.4) * ry
        patches = np.clip(0.5 + 0.5 * smooth_noise(rng, view.x.shape, 0.3 / view.spacing), 0, 1)
        spot = fill(mass, 0.15) * liver
        necrosis = fill(mass * 1.6, 0.3) * liver * patches
        return [("tumour", spot), ("necrosis", necrosis * rng.uniform(0.2, 1))], spot, "in the liver"
    if case.finding == "stone":
        x, y = kidneys[side][0] - side * rng.uniform(0.2, 1.2), kidneys[side][1] + rng.uniform(-1, 1)
        radius = rng.uniform(0.5, 1.1)
        spot = fill(blob(rng, view, x, y, radius, radius), 0.2)
        return [("stone", spot)], spot, f"in the {side_of(side)} kidney"
    return [], np.zeros_like(view.x), ""
