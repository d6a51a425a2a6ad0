"""Axial slices of the head, for CT and MR."""

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick, side_of
from cbir.datasets.phantoms.shapes import View, blob, capsule, ellipse, fill, smooth_noise


def axial_head(case: Case, view: View) -> Anatomy:
    """Scalp, skull, brain with cortex and ventricles, and one finding."""
    body, scan = case.body, case.scan
    rx, ry = body.uniform(6.6, 7.6), body.uniform(8.2, 9.6)
    atrophy = body.uniform(0, 1)
    scalp, bone = body.uniform(0.3, 0.7) * case.build, body.uniform(0.4, 0.65)
    ventricles = 0.6 + 0.7 * atrophy + body.normal(0, 0.1)

    level = scan.uniform(-1, 1)  # height of the slice, from -1 (below the ventricles) to 1 (above them)
    size = 1 - 0.08 * max(level, 0)
    rx, ry = rx * size, ry * size
    head = ellipse(view, 0, 0, rx, ry)
    skull = ellipse(view, 0, 0, rx - scalp, ry - scalp)
    brain = ellipse(view, 0, 0, rx - scalp - bone, ry - scalp - bone)

    folds = smooth_noise(scan, view.x.shape, 0.32 / view.spacing)
    depth = (1 - brain) * (rx - scalp - bone)  # depth below the surface of the brain, cm
    sulci = np.exp(-((folds / (0.12 + 0.15 * atrophy)) ** 2)) * np.clip(1.15 - depth / 1.6, 0, 1)
    white = np.clip((depth - 0.75 - 0.45 * folds) / 0.25, 0, 1)
    layers = [
        ("fat", fill(head, 0.012)),
        ("muscle", fill(ellipse(view, 0, 0, rx - 0.6 * scalp, ry - 0.6 * scalp), 0.012)),
        ("bone", fill(skull, 0.012)),
        ("marrow", fill(skull * 1.035, 0.012)),
        ("bone", fill(skull / (1 - 0.7 * bone / rx), 0.012)),
        ("csf", fill(brain, 0.012)),
        ("gray", fill(brain * 1.02, 0.012)),
        ("white", fill(brain) * white),
        ("csf", fill(brain, 0.012) * sulci * 0.8),
        ("csf", np.exp(-((view.x / 0.12) ** 2)) * fill(brain) * np.clip((np.abs(view.y) - 2) / 1.5, 0, 1) * 0.7),
        ("dura", np.exp(-((view.x / 0.05) ** 2)) * fill(brain) * np.clip((np.abs(view.y) - 2.5) / 1, 0, 1)),
    ]
    for side in (-1, 1):
        layers.append(("gray", fill(ellipse(view, side * 2.2, -0.2, 0.9, 2.1, side * 0.3), 0.2) * (level < 0.5)))
        layers.append(("gray", fill(ellipse(view, side * 0.9, 1.3, 0.8, 1.3), 0.2) * (level < 0.3)))
        wide = ventricles * (1 - 0.5 * abs(level))
        front = capsule(view, (side * 0.5, -1.4), (side * (1.1 + 0.2 * wide), -3.6), 0.55 * wide, 0.35 * wide)
        back = capsule(view, (side * 0.6, 1.0 + level), (side * 1.9, 3.8), 0.4 * wide, 0.6 * wide)
        bodies = ellipse(view, side * (0.55 + 0.5 * wide), 0.1, 0.6 * wide, 3.4, side * -0.1)
        layers.append(("csf", fill(np.minimum(front, back) if level < 0.2 else bodies, 0.15)))
    layers.append(("csf", fill(ellipse(view, 0, 0.6, 0.22 * ventricles + 0.08, 1.2), 0.3) * (level < 0.2)))

    inside = fill(brain * 1.02, 0.01)
    lesions, lesion, place = _lesion(case, view, brain, inside, rx, ry)
    return Anatomy(layers + lesions, lesion, place)


def _lesion(case, view, brain, inside, rx, ry):
    """Layers of the finding, its coverage, and its place in words. brain: radii; inside: coverage of the brain."""
    rng = case.lesion
    side = pick(rng, -1, 1)
    x, y = side * rng.uniform(0.25, 0.6) * rx, rng.uniform(-0.5, 0.55) * ry
    radius = rng.uniform(1.1, 2.6) * case.cut
    place = (
        f"in the {side_of(side)} {'frontal' if y < -0.15 * ry else 'parietal' if y < 0.3 * ry else 'occipital'} lobe"
    )
    nothing = np.zeros_like(view.x)
    if case.finding == "haemorrhage":
        if rng.uniform() < 0.35:
            turn = np.arctan2(view.y, view.x * side)
            thick = rng.uniform(0.1, 0.22) * case.cut
            extent = rng.uniform(0.6, 1.1)
            crescent = thick * np.clip(1 - ((turn - rng.uniform(-0.5, 0.5)) / extent) ** 2, 0, 1)
            blood = np.clip((brain - 1 + crescent) / 0.02, 0, 1) * inside * (crescent > 0)
            return [("blood", blood)], blood, f"along the {side_of(side)} convexity"
        clot = fill(blob(rng, view, x, y, radius, radius * rng.uniform(0.7, 1.2)), 0.1) * inside
        halo = fill(ellipse(view, x, y, radius * 1.35, radius * 1.35), 0.2) * inside
        return [("oedema", 0.7 * halo), ("blood", clot)], clot, place
    if case.finding == "infarct":
        turn = np.arctan2(view.y - 0.1 * ry, view.x * side)
        width = rng.uniform(0.3, 0.65)
        wedge = fill(np.abs(turn - rng.uniform(-1.0, 1.0)) / width, 0.2) * np.clip((brain - 0.42) / 0.08, 0, 1) * inside
        return [("infarct", wedge * rng.uniform(0.6, 1))], wedge, f"in the {side_of(side)} middle cerebral territory"
    if case.finding == "tumour":
        mass = fill(blob(rng, view, x, y, radius, radius), 0.1) * inside
        core = fill(blob(rng, view, x, y, radius * 0.6, radius * 0.6), 0.15) * inside
        swelling = fill(blob(rng, view, x, y, radius * 1.9, radius * 1.8, 0.2), 0.2) * inside
        return [("oedema", swelling * 0.8), ("tumour", mass), ("necrosis", core * pick(rng, 0.2, 0.8, 1))], mass, place
    if case.finding == "demyelination":
        plaques = nothing
        for _ in range(int(rng.integers(6, 14))):
            side, turn = pick(rng, -1, 1), rng.uniform(-0.5, 0.5)
            where = (side * rng.uniform(1.2, 3.2), rng.uniform(-4.5, 4.5))
            spot = ellipse(view, *where, rng.uniform(0.4, 0.95), rng.uniform(0.25, 0.45), turn)
            plaques = np.maximum(plaques, fill(spot, 0.25) * inside)
        return [("plaque", plaques * rng.uniform(0.7, 1))], plaques, "beside both ventricles"
    return [], nothing, ""
