"""Magnetic resonance imaging of phantoms: contrast weighting, bias field and Rician noise."""

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import Anatomy, Case, pick
from cbir.datasets.phantoms.imaging import Phantom, paint
from cbir.datasets.phantoms.shapes import View, smooth_noise

SHAPE = (256, 256)

# relative signal of each tissue in each weighting; the brightest tissues have about 1
SIGNAL = {
    "T1": {
        "fat": 0.95, "muscle": 0.36, "bone": 0.05, "cortex": 0.05, "marrow": 0.78, "csf": 0.14, "fluid": 0.18,
        "gray": 0.5, "white": 0.68, "dura": 0.3, "blood": 0.75, "oedema": 0.4, "infarct": 0.42, "tumour": 0.4,
        "necrosis": 0.25, "plaque": 0.45, "tendon": 0.08, "fascia": 0.2, "cartilage": 0.42,
    },
    "T2": {
        "fat": 0.6, "muscle": 0.2, "bone": 0.04, "cortex": 0.04, "marrow": 0.38, "csf": 1.0, "fluid": 1.0,
        "gray": 0.52, "white": 0.36, "dura": 0.15, "blood": 0.25, "oedema": 0.8, "infarct": 0.78, "tumour": 0.68,
        "necrosis": 0.9, "plaque": 0.78, "tendon": 0.06, "fascia": 0.15, "cartilage": 0.55,
    },
    "FLAIR": {
        "fat": 0.55, "muscle": 0.25, "bone": 0.04, "marrow": 0.35, "csf": 0.08, "gray": 0.5, "white": 0.38,
        "dura": 0.2, "blood": 0.4, "oedema": 0.85, "infarct": 0.85, "tumour": 0.7, "necrosis": 0.3, "plaque": 0.9,
    },
    "PD FS": {
        "fat": 0.16, "muscle": 0.42, "cortex": 0.05, "marrow": 0.18, "fluid": 1.0, "oedema": 0.75, "tendon": 0.08,
        "fascia": 0.35, "cartilage": 0.72,
    },
}  # fmt: skip
# weightings in which each region is imaged
WEIGHTINGS = {"head": ("T1", "T2", "FLAIR"), "knee": ("T1", "PD FS", "T2")}


def scan_mr(case: Case, view: View, anatomy: Anatomy, region: str) -> Phantom:
    """Make a slice in arbitrary units, with a contrast weighting, partial volumes, a bias field and Rician noise."""
    scan = case.scan
    weighting = pick(scan, *WEIGHTINGS[region])
    signal = {tissue: value * scan.uniform(0.92, 1.08) for tissue, value in SIGNAL[weighting].items()}
    image = paint(anatomy, signal, 0.01) * (1 + 0.05 * smooth_noise(scan, SHAPE, 2))
    image = ndimage.gaussian_filter(image, scan.uniform(0.4, 0.9))
    bias = smooth_noise(scan, SHAPE, SHAPE[0] / 5) * scan.uniform(0.05, 0.16)
    image *= np.exp(bias + view.x * scan.normal(0, 0.012))
    noise = scan.standard_normal((2, *SHAPE), dtype=np.float32) * scan.uniform(0.012, 0.032)
    image = np.hypot(image + noise[0], noise[1]) * 1000
    top = float(np.percentile(image, 99.5)) * scan.uniform(0.9, 1.1)
    protocol = f"{'axial' if region == 'head' else 'sagittal'} slice, {weighting} weighting"
    return Phantom(
        image, anatomy.lesion > 0.5, anatomy.place, protocol, view.spacing * 10, (round(top / 2), round(top))
    )
