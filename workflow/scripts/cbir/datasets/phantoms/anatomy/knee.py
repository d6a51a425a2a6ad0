"""Sagittal slices of the knee, for MR."""

import numpy as np

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick
from cbir.datasets.phantoms.shapes import View, blob, capsule, ellipse, fade, fill, smooth_noise


def sagittal_knee(case: Case, view: View) -> Anatomy:
    """Femur, tibia, patella, cartilage, menisci, ligaments, muscles, fat, and one finding. Anterior is left."""
    body, scan = case.body, case.scan
    size = body.uniform(0.9, 1.12)
    bend = body.uniform(-0.6, 1.2)
    fat = body.uniform(0.5, 1.2) * case.build

    depth = scan.uniform(-1, 1)  # position of the slice: -1 is medial, 0 is at the cruciate ligaments, 1 is lateral
    condyle = (0.3 * size, -1.6 * size)
    radius = (2.6 + 0.3 * abs(depth)) * size
    femur = np.minimum(
        ellipse(view, *condyle, radius * 1.12, radius),
        capsule(view, (condyle[0] - 0.4, condyle[1] - 0.5), (-0.6 + bend, -14), 1.7 * size, 1.3 * size),
    )
    top = condyle[1] + radius + 0.75
    tibia = np.minimum(
        ellipse(view, 0.4 * size, top + 1.3, 3.0 * size, 1.45),
        capsule(view, (0.1, top + 2), (-0.3 - bend, 15), 1.9 * size, 1.3 * size),
    )
    patella = ellipse(view, -3.9 * size, -3.0 * size, 0.95 * size, 1.9 * size, 0.15)
    bones = np.minimum(np.minimum(femur, tibia), patella)
    outline = capsule(view, (-0.4, -14), (0, 14), 5.6 * case.build * size)
    layers = [
        ("muscle", fill(outline, 0.01)),
        ("fat", fill(outline * 1.03, 0.01)),
        ("muscle", fill(capsule(view, (3.4, -15), (2.8, -2.0), 2.9 * size - fat * 0.5, 1.2), 0.05)),
        ("muscle", fill(capsule(view, (3.0, 1.5), (2.9, 15), 1.3, 2.6 * size - fat * 0.5), 0.05)),
        ("muscle", fill(capsule(view, (-3.0, -15), (-2.6, -7.0), 1.7, 0.8), 0.05)),
        (
            "fascia",
            0.5 * fill(np.abs(smooth_noise(scan, view.x.shape, 1.2 / view.spacing)) / 0.12, 0.5) * fill(outline * 1.1),
        ),
        ("tendon", fill(capsule(view, (-3.4, -9), (-4.3 * size, -4.4 * size), 0.35), 0.1)),
        ("tendon", fill(capsule(view, (-4.3 * size, -1.6 * size), (-2.7, top + 2.4), 0.3), 0.1)),
        (
            "cartilage",
            fill(ellipse(view, condyle[0] - 0.1, condyle[1] + 0.15, radius * 1.12 + 0.3, radius + 0.28), 0.03),
        ),
        ("cartilage", fill(patella * 0.84, 0.05)),
        ("cartilage", fill(ellipse(view, 0.4 * size, top + 1.2, 3.0 * size, 1.6), 0.03)),
        ("cortex", fill(bones, 0.03)),
        ("marrow", fill(bones * 1.09, 0.03)),
    ]
    for x in (-2.1, 2.6):
        meniscus = capsule(view, (x * size, top - 0.3), (x * 0.45 * size, top - 0.2), 0.42, 0.1)
        layers.append(("tendon", fill(meniscus, 0.15)))
    if abs(depth) < 0.45:
        layers.append(("tendon", fill(capsule(view, (1.6, -1.2), (-0.7, top + 0.2), 0.28), 0.15)))
        layers.append(("tendon", fill(capsule(view, (0.3, -0.4), (2.4, top + 0.6), 0.33), 0.15)))
    lesions, lesion, place = _lesion(case, view, bones, condyle, top, size)
    return Anatomy(layers + lesions, lesion, place)


def _lesion(case, view, bones, condyle, top, size):
    """Layers of the finding, its coverage, and its place in words. bones: radii; top: upper edge of the tibia."""
    rng = case.lesion
    if case.finding == "effusion":
        amount = rng.uniform(0.6, 1.4) * case.cut
        recess = capsule(view, (-2.5 * size, -8.0), (-2.6 * size, -4.2), 0.5 * amount, 1.0 * amount)
        joint = ellipse(view, -2.6 * size, -0.2, 0.7 * amount, 1.6)
        behind = ellipse(view, 3.3 * size, -0.6, 0.6 * amount, 1.7)
        fluid = fill(np.minimum(np.minimum(recess, joint), behind), 0.1) * (1 - fill(bones * 0.98, 0.03))
        return [("fluid", fluid)], fluid, "in the joint and the suprapatellar recess"
    if case.finding == "contusion":
        upper = pick(rng, True, False)
        x = rng.uniform(-1.6, 1.8) * size
        y = condyle[1] + rng.uniform(0.2, 1.4) if upper else top + rng.uniform(0.8, 2.0)
        radius = rng.uniform(1.2, 2.3) * case.cut
        area = blob(rng, view, x, y, radius, radius * rng.uniform(0.7, 1.1), 0.15)
        bruise = fade(area) * fill(bones * 1.09, 0.03)
        return (
            [("oedema", bruise * rng.uniform(0.7, 1))],
            (area < 1) * fill(bones * 1.09, 0.03),
            ("of the femoral condyle" if upper else "of the tibial plateau"),
        )
    return [], np.zeros_like(view.x), ""
