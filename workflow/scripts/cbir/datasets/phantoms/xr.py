"""Radiography of phantoms: Beer-Lambert projection, scatter, Poisson noise and display processing."""

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import Anatomy, Case
from cbir.datasets.phantoms.imaging import Phantom
from cbir.datasets.phantoms.shapes import View

# linear attenuation coefficients at about 60 keV, 1/cm, close to the tables of NIST
ATTENUATION = {"soft": 0.2, "lung": 0.05, "bone": 0.55}


def expose(case: Case, view: View, anatomy: Anatomy, region: str) -> Phantom:
    """Make a radiograph as it is displayed, with brightness from 0 to 1 and white bones.

    The primary photons are attenuated by the law of Beer and Lambert along each ray. Scatter adds a blurred share of
    them. The counts of the detector have a Poisson distribution. The display is logarithmic, with a random exposure and
    contrast.
    """
    scan = case.scan
    depth = sum(ATTENUATION[tissue] * thickness for tissue, thickness in anatomy.layers)
    primary = np.exp(-depth)
    scatter = ndimage.zoom(ndimage.gaussian_filter(primary[::8, ::8], 3), 8, order=1)[
        : depth.shape[0], : depth.shape[1]
    ]
    arriving = primary + scan.uniform(0.15, 0.35) * scatter
    photons = scan.uniform(1.5e4, 1e5) if region == "chest" else scan.uniform(1.5e3, 1e4)
    counts = scan.poisson(ndimage.gaussian_filter(arriving, scan.uniform(0.3, 0.7)) * photons)
    density = -np.log((counts + 1) / photons).astype(np.float32)
    density += scan.uniform(0.1, 0.4) * (density - ndimage.gaussian_filter(density, 6))  # edge enhancement
    low, high = np.percentile(density, [scan.uniform(1, 5), scan.uniform(98.5, 99.9)])
    brightness = np.clip((density - low) / (high - low), 0, 1) ** scan.uniform(0.95, 1.4)
    return Phantom(brightness, anatomy.lesion > 0.5, anatomy.place, "frontal projection", view.spacing * 10)
