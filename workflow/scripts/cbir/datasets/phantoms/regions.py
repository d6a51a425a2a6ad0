"""Labels of the phantoms: the regions of each modality and the findings of each region, and images of them."""

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
    """An anatomic region as one modality images it."""

    modality: str
    name: str
    findings: tuple[str, ...]  # all findings except normal
    anatomy: Callable[[Case, View], Anatomy]
    shape: tuple[int, int] = (256, 256)  # height and width in pixels
    width: float = 0  # width of the field of view, cm; 0 for ultrasound, which has a sector instead


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
# smallest area of a mask, in pixels
SMALLEST_LESION = 12


def image_phantom(
    region: Region, finding: str, build: float, body: tuple[int, ...], scan: np.random.Generator
) -> Phantom:
    """Make one image of a region with a finding.

    build: the patient's girth, relative to the average. body: seed of the anatomy and of the finding, which all images
    of a study share. scan: generator of the pose, slice, exposure and noise, in which the images of a study differ. The
    pose is drawn again as long as the finding lies outside the image.
    """
    while True:
        anatomy, lesion = (np.random.default_rng([*body, stream]) for stream in (1, 2))
        case = Case(anatomy, lesion, scan, finding, build, cut=scan.uniform(0.8, 1))
        phantom = _image(region, case)
        if finding == "normal" or phantom.mask.sum() >= SMALLEST_LESION:
            return phantom


def _image(region: Region, case: Case) -> Phantom:
    """Image a case once, whether or not its finding is in the image."""
    if region.modality == "US":
        view, shape = us.sector(case, region.name)
        return us.insonate(case, view, region.anatomy(case, view), shape)
    view = make_view(case.body, case.scan, region.shape, region.width)
    make = {"CT": ct.scan_ct, "MR": mr.scan_mr, "XR": xr.expose}[region.modality]
    return make(case, view, region.anatomy(case, view), region.name)
