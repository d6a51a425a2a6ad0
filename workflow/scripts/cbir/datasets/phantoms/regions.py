"""The phantoms' labels: which regions a modality shows, which findings a region has, and how an image of it is made."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cbir.datasets.phantoms import ct, mr, us, xr
from cbir.datasets.phantoms.anatomy import Anatomy, Case
from cbir.datasets.phantoms.anatomy.head import axial_head
from cbir.datasets.phantoms.anatomy.knee import sagittal_knee
from cbir.datasets.phantoms.anatomy.limbs import frontal_hand, frontal_knee
from cbir.datasets.phantoms.anatomy.sonography import oblique_liver, transverse_thyroid
from cbir.datasets.phantoms.anatomy.thorax import frontal_chest
from cbir.datasets.phantoms.anatomy.trunk import axial_abdomen, axial_chest
from cbir.datasets.phantoms.imaging import Phantom
from cbir.datasets.phantoms.shapes import View, make_view


@dataclass(frozen=True)
class Region:
    """An anatomic region under a modality."""

    modality: str
    name: str
    findings: tuple[str, ...]  # beside normal
    anatomy: Callable[[Case, View], Anatomy]
    shape: tuple[int, int] = (256, 256)  # pixels
    width: float = 0  # cm of the field of view; a sonogram has its sector instead


REGIONS = (
    Region("CT", "head", ("haemorrhage", "infarct", "tumour"), axial_head, ct.SHAPE, 20),
    Region("CT", "chest", ("nodule", "effusion", "emphysema"), axial_chest, ct.SHAPE, 37),
    Region("CT", "abdomen", ("cyst", "tumour", "stone"), axial_abdomen, ct.SHAPE, 35),
    Region("MR", "head", ("infarct", "tumour", "demyelination"), axial_head, mr.SHAPE, 20),
    Region("MR", "knee", ("effusion", "contusion"), sagittal_knee, mr.SHAPE, 16),
    Region("US", "liver", ("cyst", "tumour", "stone"), oblique_liver),
    Region("US", "thyroid", ("cyst", "nodule"), transverse_thyroid),
    Region("XR", "chest", ("cardiomegaly", "effusion", "nodule", "pneumothorax"), frontal_chest, (272, 272), 37),
    Region("XR", "hand", ("fracture", "erosion"), frontal_hand, (288, 224), 17.5),
    Region("XR", "knee", ("fracture", "arthrosis"), frontal_knee, (272, 224), 18),
)
SMALLEST_LESION = 12  # pixels of the mask


def image_phantom(region: Region, finding: str, build: float, body: tuple[int, ...], scan: np.random.Generator):
    """An image of a region with a finding.

    build: the patient's girth over the average one. body: seed of what all images of a study share; scan: what
    differs between them. A pose that leaves the finding outside the image is drawn again.
    """
    while True:
        anatomy, lesion = (np.random.default_rng([*body, stream]) for stream in (1, 2))
        case = Case(anatomy, lesion, scan, finding, build, cut=scan.uniform(0.8, 1))
        phantom = _image(region, case)
        if finding == "normal" or phantom.mask.sum() >= SMALLEST_LESION:
            return phantom


def _image(region: Region, case: Case) -> Phantom:
    if region.modality == "US":
        view, shape = us.sector(case, region.name)
        return us.insonate(case, view, region.anatomy(case, view), shape)
    view = make_view(case.body, case.scan, region.shape, region.width)
    make = {"CT": ct.scan_ct, "MR": mr.scan_mr, "XR": xr.expose}[region.modality]
    return make(case, view, region.anatomy(case, view), region.name)
