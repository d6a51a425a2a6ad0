"""Computed tomography of phantoms: Hounsfield units, reconstruction noise and a window."""

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import Anatomy, Case
from cbir.datasets.phantoms.imaging import Phantom, paint
from cbir.datasets.phantoms.shapes import View, fill, smooth_noise

SHAPE = (256, 256)

# CT number of each tissue without contrast medium, HU
HU = {
    "air": -990, "lung": -850, "bulla": -965, "fat": -95, "fluid": 8, "csf": 7, "muscle": 48, "gray": 38, "white": 28,
    "dura": 52, "blood": 66, "oedema": 17, "infarct": 14, "tumour": 46, "necrosis": 22, "liver": 58, "spleen": 50,
    "kidney": 34, "blood pool": 42, "marrow": 210, "bone": 950, "stone": 620,
}  # fmt: skip
# increase of the CT number in a portal-venous phase, HU; 0 for the other tissues
ENHANCEMENT = {"liver": 50, "spleen": 65, "kidney": 130, "blood pool": 110, "tumour": 8, "dura": 20, "muscle": 12}
# name, centre (HU) and width (HU) of the display window of each region
WINDOWS = {
    "head": ("brain", 40, 85),
    "chest": ("lung", -600, 1500),
    "abdomen": ("soft tissue", 60, 320),
}


def scan_ct(case: Case, view: View, anatomy: Anatomy, region: str) -> Phantom:
    """Make an axial slice in HU, with textured tissues, a patient table, blur and correlated noise."""
    scan = case.scan
    contrast = region != "head" and case.body.uniform() < 0.9
    jitter = {tissue: case.body.normal(0, 2.5) for tissue in HU}
    values = {t: hu + jitter[t] + contrast * ENHANCEMENT.get(t, 0) for t, hu in HU.items()}
    image = paint(anatomy, values, -1000)
    image += np.where(image > -300, 1.5 if region == "head" else 4, 25) * smooth_noise(scan, SHAPE, 2.5)
    table = np.abs(np.hypot(view.x, view.y + 30) - scan.uniform(42, 45)) / 0.5
    image = np.maximum(image, -1000 + 700 * fill(table, 0.4) * (view.y > 5) * (region != "head"))
    image = ndimage.gaussian_filter(image, scan.uniform(0.4, 0.9))
    noise = smooth_noise(scan, SHAPE, scan.uniform(0.5, 0.9)) * scan.uniform(
        *((1.5, 3) if region == "head" else (8, 15))
    )
    name, centre, width = WINDOWS[region]
    window = (round(centre + scan.normal(0, 0.03) * width), round(width * scan.uniform(0.88, 1.15)))
    protocol = f"axial slice, {'enhanced' if contrast else 'unenhanced'}, {name} window"
    return Phantom(image + noise, anatomy.lesion > 0.5, anatomy.place, protocol, view.spacing * 10, window)
