"""One module a source: a function from a dataset's name and its config entry to a table of images.

A new source is such a module, `read_<source>(dataset, options)`, and its line here. It reads label files and directory
listings, no pixels (but `nifti`, to leave out background), and returns what `complete_manifest` asks for;
`attrs["left_out"]` of the table says how many images it left out, by reason.
"""

from collections.abc import Callable

import pandas as pd

from cbir.datasets.sources.aptos2019 import read_aptos2019
from cbir.datasets.sources.cbis_ddsm import read_cbis_ddsm
from cbir.datasets.sources.chexpert import read_chexpert
from cbir.datasets.sources.dicom import read_dicom
from cbir.datasets.sources.folder import read_folder
from cbir.datasets.sources.isic2019 import read_isic2019
from cbir.datasets.sources.medmnist import read_medmnist
from cbir.datasets.sources.mimic_cxr import read_mimic_cxr
from cbir.datasets.sources.nifti import read_nifti
from cbir.datasets.sources.nih14 import read_nih14
from cbir.datasets.sources.radimagenet import read_radimagenet
from cbir.datasets.sources.released import read_released
from cbir.datasets.sources.table import read_table

SOURCES: dict[str, Callable[[str, dict], pd.DataFrame]] = {
    "phantoms": read_table,  # of the images.csv that make_phantoms wrote
    "table": read_table,
    "folder": read_folder,
    "dicom": read_dicom,
    "nifti": read_nifti,
    "released": read_released,
    "nih14": read_nih14,
    "chexpert": read_chexpert,
    "mimic-cxr": read_mimic_cxr,
    "radimagenet": read_radimagenet,
    "medmnist": read_medmnist,
    "aptos2019": read_aptos2019,
    "isic2019": read_isic2019,
    "cbis-ddsm": read_cbis_ddsm,
}
