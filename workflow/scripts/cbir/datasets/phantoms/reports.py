"""Radiological reports of phantoms: two sentences on the synthetic image and its finding."""

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
    """Write a report: one sentence says that the image is synthetic and how it was made, one describes the finding.

    The size of a lesion is given as the diameter of a disc with the same area. Of several lesions, the largest counts.
    """
    image = f"Synthetic {KINDS[modality]} of the {region}, {phantom.protocol}."
    if finding == "normal":
        return f"{image} {pick(rng, *NORMAL)}"
    size = round(2 * math.sqrt(np.bincount(ndimage.label(phantom.mask)[0].flat)[1:].max() / math.pi) * phantom.spacing)
    return f"{image} {PHRASES[finding].format(place=phantom.place, size=size)}"
