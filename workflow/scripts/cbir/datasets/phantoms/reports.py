"""Reports of phantoms: one or two sentences that say that the image is synthetic and what it shows."""

import math

import numpy as np
from scipy import ndimage

from cbir.datasets.phantoms.anatomy import pick
from cbir.datasets.phantoms.imaging import Phantom

KINDS = {"CT": "CT slice", "MR": "MR slice", "US": "sonogram", "XR": "radiograph"}
NORMAL = ("No abnormality.", "Unremarkable.", "No finding of note.")
PHRASES = {
    "arthrosis": "Arthrosis {place}.",
    "cardiomegaly": "Cardiomegaly {place}.",
    "contusion": "Bone contusion {place}.",
    "cyst": "Cyst {place}, up to {size} mm across.",
    "demyelination": "Multiple demyelinating plaques {place}.",
    "effusion": "Effusion {place}.",
    "emphysema": "Emphysema {place}.",
    "erosion": "Erosions {place}.",
    "fracture": "Displaced fracture {place}.",
    "haemorrhage": "Haemorrhage {place}, {size} mm across.",
    "infarct": "Infarct {place}.",
    "nodule": "Nodule {place}, up to {size} mm across.",
    "pneumothorax": "Pneumothorax {place}.",
    "stone": "Stone {place}.",
    "tumour": "Tumour {place}, {size} mm across.",
}


def write_report(rng: np.random.Generator, phantom: Phantom, modality: str, region: str, finding: str) -> str:
    """Two sentences: what the image is, and what it shows, with the diameter of a disc of the largest lesion's area."""
    what = f"Synthetic {KINDS[modality]} of the {region}, {phantom.protocol}."
    if finding == "normal":
        return f"{what} {pick(rng, *NORMAL)}"
    size = round(2 * math.sqrt(np.bincount(ndimage.label(phantom.mask)[0].flat)[1:].max() / math.pi) * phantom.spacing)
    return f"{what} {PHRASES[finding].format(place=phantom.place, size=size)}"
