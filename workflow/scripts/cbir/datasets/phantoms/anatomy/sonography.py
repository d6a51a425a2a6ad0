"""Views of an ultrasound probe on the upper abdomen and on the neck. y is the depth below the skin."""

import math

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick, side_of
from cbir.datasets.phantoms.shapes import View, blob, branches, capsule, ellipse, fill, smooth_noise


def oblique_liver(case: Case, view: View) -> Anatomy:
    """Abdominal wall, liver with vessels, gallbladder, diaphragm and right kidney, and one finding."""
    body, scan = case.body, case.scan
    wall = body.uniform(1.3, 2.2) * case.build
    deep = body.uniform(11, 14)
    gallbladder_at = (body.uniform(-2.5, 3.5), wall + body.uniform(3, 5))
    gallbladder_size = (body.uniform(0.8, 1.5), body.uniform(1.8, 3.0), body.uniform(-1.2, 1.2))
    kidney_at = (body.uniform(3.5, 6), wall + body.uniform(6, 8))
    rng = case.lesion

    shown = scan.uniform() < 0.4 or case.finding == "stone"
    x, y = view.x, view.y
    diaphragm = (y - deep + 0.035 * (x + 2) ** 2) / 0.14
    layers = [
        ("liver", np.ones_like(x)),
        ("vessel", np.clip(branches(scan, view, scan.uniform(-3, 3), wall + 7, 9) * 1.6 - 0.75, 0, 1)),
    ]
    for _ in range(3):
        x0, y0, turn = scan.uniform(-5, 5), wall + scan.uniform(2, 8), scan.uniform(-1, 1)
        end = (x0 + 3 * math.cos(turn), y0 + 3 * math.sin(turn))
        vessel = capsule(view, (x0, y0), end, scan.uniform(0.18, 0.4), 0.1)
        layers += [("wall", fill(vessel * 0.72, 0.2) * pick(scan, 0.2, 0.9)), ("vessel", fill(vessel, 0.15))]
    if scan.uniform() < 0.45:
        kidney = ellipse(view, *kidney_at, 2.3, 4.2, scan.uniform(-0.9, 0.9))
        layers += [("kidney", fill(kidney, 0.05)), ("sinus", fill(kidney * 2.1, 0.3))]
    if shown:
        gallbladder = ellipse(view, *gallbladder_at, *gallbladder_size)
        layers += [("wall", fill(gallbladder * 0.9, 0.08)), ("fluid", fill(gallbladder, 0.05))]
    layers += [("gas", np.clip(diaphragm - 1, 0, 1)), ("diaphragm", np.exp(-(diaphragm**2)))]
    lesions, lesion, place = _liver_lesion(case, view, wall, gallbladder_at, gallbladder_size, rng)
    layers += lesions + _body_wall(case, view, wall)
    return Anatomy(layers, lesion, place)


def _liver_lesion(case, view, wall, gallbladder_at, gallbladder_size, rng):
    """Layers of the finding, its coverage, and its place in words."""
    x, y = rng.uniform(-3.5, 3.5), wall + rng.uniform(2.0, 6)
    radius = rng.uniform(1.0, 2.4) * case.cut
    if case.finding == "cyst":
        spot = fill(blob(rng, view, x, y, radius, radius * rng.uniform(0.8, 1.1), 0.03), 0.05)
        return [("fluid", spot)], spot, "in the liver"
    if case.finding == "tumour":
        radius *= 1.15
        mass = blob(rng, view, x, y, radius, radius * rng.uniform(0.8, 1.1), 0.09)
        kind = pick(rng, "bright mass", "dark mass", "mixed mass")
        spot = fill(mass, 0.12)
        lesions = [("dark mass", 0.7 * fill(mass * 0.85, 0.1)), (kind, spot)]
        if kind == "mixed mass":
            patches = np.clip(smooth_noise(rng, view.x.shape, 5), 0, 1)
            lesions.append(("bright mass", spot * patches))
        return lesions, spot, "in the liver"
    if case.finding == "stone":
        spot = np.zeros_like(view.x)
        rx, ry, angle = gallbladder_size
        for _ in range(int(rng.integers(1, 4))):
            along, size = rng.uniform(-0.5, 0.5) * ry, rng.uniform(0.3, 0.6)
            at = (gallbladder_at[0] - along * math.sin(angle), gallbladder_at[1] + along * math.cos(angle) + 0.35 * rx)
            spot = np.maximum(spot, fill(blob(rng, view, *at, size, size * 0.8, 0.08), 0.1))
        return [("stone", spot)], spot, "in the gallbladder"
    return [], np.zeros_like(view.x), ""


def _body_wall(case, view, wall):
    """Layers of skin, fat, fascia and muscle, down to a depth of `wall` cm."""
    ripple = wall + 0.1 * np.sin(view.x * 0.9 + case.scan.uniform(0, 6))
    return [
        ("muscle", np.clip((ripple - view.y) / 0.1, 0, 1)),
        ("fascia", np.exp(-(((view.y - ripple) / 0.07) ** 2))),
        ("fat", np.clip((0.55 * ripple - view.y) / 0.08, 0, 1)),
        ("fascia", np.exp(-(((view.y - 0.55 * ripple) / 0.06) ** 2))),
        ("skin", np.clip((0.22 - view.y) / 0.05, 0, 1)),
    ]


def transverse_thyroid(case: Case, view: View) -> Anatomy:
    """Strap muscles, both lobes and the isthmus around the trachea, carotid arteries, and one finding."""
    body, scan = case.body, case.scan
    wall = body.uniform(0.5, 0.9) * case.build
    lobe = (body.uniform(0.8, 1.15), body.uniform(0.75, 1.1))
    trachea_y = wall + body.uniform(1.5, 1.8)
    rng = case.lesion

    centre = pick(scan, -1, 0, 1) * scan.uniform(0.5, 1.1)  # distance of the probe from the middle of the neck, cm
    view = View(view.x + centre, view.y, view.spacing)
    layers = [("muscle", np.ones_like(view.x))]
    fibres = np.clip(smooth_noise(scan, (view.x.shape[0], 8), 2).repeat(view.x.shape[1] // 8 + 1, 1), 0, 1)
    layers.append(("fascia", 0.3 * fibres[:, : view.x.shape[1]]))
    gland = ellipse(view, 0, trachea_y - 0.75, 1.4, 0.35)
    for side in (-1, 1):
        gland = np.minimum(gland, ellipse(view, side * 1.55, trachea_y + 0.05, *lobe, side * 0.25))
        artery = ellipse(view, side * 2.9, trachea_y + 0.5, 0.42, 0.4)
        vein = ellipse(view, side * 3.5, trachea_y - 0.1, 0.6, 0.3, side * 0.3)
        layers += [("wall", fill(artery * 0.85, 0.1)), ("vessel", fill(artery, 0.1)), ("vessel", fill(vein, 0.12))]
    layers += [("fascia", fill(gland * 0.94, 0.03)), ("thyroid", fill(gland, 0.04))]
    trachea = ellipse(view, 0, trachea_y + 0.55, 0.95, 0.9)
    layers += [
        ("cartilage", fill(trachea, 0.05)),
        ("gas", fill(trachea * 1.25, 0.06)),
        ("wall", fill(np.abs(trachea * 1.25 - 1) / 0.08)),
    ]
    side = pick(rng, -1, 1) if abs(centre) < 0.2 else int(math.copysign(1, centre))
    x, y = side * rng.uniform(1.3, 1.9), trachea_y + rng.uniform(-0.2, 0.35)
    radius = rng.uniform(0.35, 0.8) * case.cut
    lesion, place = np.zeros_like(view.x), ""
    if case.finding == "cyst":
        lesion = fill(blob(rng, view, x, y, radius, radius * 0.85, 0.04), 0.08)
        layers.append(("fluid", lesion))
    if case.finding == "nodule":
        radius *= 1.2
        mass = blob(rng, view, x, y, radius, radius * rng.uniform(0.8, 1.1), 0.07)
        lesion = fill(mass, 0.1)
        layers += [
            ("dark mass", fill(mass * 0.85, 0.08)),
            (pick(rng, "dark mass", "bright mass", "mixed mass"), lesion),
        ]
        if rng.uniform() < 0.4:
            specks = np.clip(smooth_noise(rng, view.x.shape, 1.5) - 1.6, 0, 1) * fill(mass * 1.3)
            layers.append(("stone", specks))
    if lesion.any():
        place = f"in the {side_of(side)} lobe"
    return Anatomy(layers + _body_wall(case, view, wall), lesion, place)
