"""Phantoms agree with their table, are valid DICOM files, and have the same bytes in every run."""

import filecmp
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
)

from cbir.datasets.phantoms import make_phantoms
from cbir.datasets.phantoms.regions import REGIONS, image_phantom

# enough patients for every label to occur
PATIENTS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms")
    make_phantoms(folder, PATIENTS, seed=3)
    return folder


@pytest.fixture(scope="module")
def table(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "images.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def dicoms(folder, table) -> list[tuple]:
    rows = table[table["image"].str.endswith(".dcm")]
    return [(row, pydicom.dcmread(folder / row.image)) for row in rows.itertuples()]


def files_of(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def differing(first: Path, second: Path, files: list[Path]) -> list[Path]:
    return filecmp.cmpfiles(first, second, files, shallow=False)[1]


def test_two_runs_give_the_same_bytes_with_one_process_and_with_two(tmp_path):
    folders = [tmp_path / name for name in ("first", "second", "parallel")]
    for folder, threads in zip(folders, (1, 1, 2), strict=True):
        make_phantoms(folder, 3, seed=5, threads=threads)
    files = files_of(folders[0])
    for other in folders[1:]:
        assert files_of(other) == files
        assert differing(folders[0], other, files) == []


def test_another_seed_gives_other_images_and_fewer_patients_are_the_first_of_more(folder, tmp_path):
    make_phantoms(tmp_path / "fewer", 2, seed=3)
    make_phantoms(tmp_path / "other", 2, seed=4)
    images = [path for path in files_of(tmp_path / "fewer") if path.name != "images.csv"]
    assert differing(folder, tmp_path / "fewer", images) == []
    shared = [path for path in files_of(tmp_path / "other") if path in images]
    assert differing(tmp_path / "fewer", tmp_path / "other", shared) == shared


def test_the_table_lists_every_file_once(folder, table):
    listed = [*table["image"], *table["mask"][table["mask"] != ""], "images.csv"]
    assert sorted(listed) == sorted(path.as_posix() for path in files_of(folder))


def test_every_modality_shows_two_to_three_regions_with_two_to_five_findings_each(table):
    regions = table.groupby("modality")["anatomic_region"].nunique()
    assert sorted(regions.items()) == [("CT", 3), ("MR", 2), ("US", 2), ("XR", 3)]
    findings = table.groupby(["modality", "anatomic_region"])["pathology"]
    assert findings.nunique().between(2, 5).all()
    assert findings.apply(lambda names: "normal" in set(names)).all()


def test_every_patient_has_four_to_six_images(table):
    assert table["patient_id"].nunique() == PATIENTS
    assert table.groupby("patient_id").size().between(4, 6).all()


def test_every_report_has_two_sentences_says_synthetic_and_names_the_finding(table):
    assert table["report"].str.startswith("Synthetic").all()
    assert (table["report"].str.count(r"\.(?: |$)") == 2).all()
    ill = table[table["pathology"] != "normal"]
    stems = ill["pathology"].str.replace("demyelination", "demyelinating").str.removesuffix("a")
    assert all(stem in report.lower() for stem, report in zip(stems, ill["report"], strict=True))


def test_a_mask_has_the_size_of_its_image_and_is_absent_where_the_finding_is_normal(folder, table):
    assert ((table["mask"] == "") == (table["pathology"] == "normal")).all()
    for row in table[table["mask"] != ""].itertuples():
        mask = np.asarray(Image.open(folder / row.mask))
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 255}
        if row.image.endswith(".dcm"):
            header = pydicom.dcmread(folder / row.image, stop_before_pixels=True)
            assert mask.shape == (header.Rows, header.Columns)
        else:
            assert mask.shape == Image.open(folder / row.image).size[::-1]


def test_ct_mr_and_half_of_the_radiographs_are_dicom_and_the_others_are_png_of_8_and_16_bits(folder, table):
    dicom = table["image"].str.endswith(".dcm")
    assert dicom[table["modality"].isin(["CT", "MR"])].all()
    assert not dicom[table["modality"] == "US"].any()
    assert 0.35 < dicom[table["modality"] == "XR"].mean() < 0.65
    assert {Image.open(folder / name).mode for name in table["image"][~dicom]} == {"L", "I;16"}


def test_dicom_headers_agree_with_the_table(dicoms):
    storage = {"CT": {CTImageStorage}, "MR": {MRImageStorage}}
    storage["XR"] = {DigitalXRayImageStorageForPresentation, ComputedRadiographyImageStorage}
    for row, header in dicoms:
        assert header.Modality in (("DX", "CR") if row.modality == "XR" else (row.modality,))
        assert header.SOPClassUID in storage[row.modality]
        assert header.BodyPartExamined == row.anatomic_region.upper()
        assert header.PatientID == row.patient_id


def test_dicom_headers_say_that_the_image_is_synthetic(dicoms):
    for _, header in dicoms:
        assert header.SyntheticData == "YES"
        assert "SYNTHETIC" in header.ImageType
        assert "Synthetic" in header.SeriesDescription
        assert "Synthetic" in str(header.PatientName)


def test_each_image_has_its_own_dicom_identifier_and_shares_that_of_its_study(dicoms):
    assert len({header.SOPInstanceUID for _, header in dicoms}) == len(dicoms)
    studies = {row.image.rsplit("-", 1)[0]: header.StudyInstanceUID for row, header in dicoms}
    assert len(set(studies.values())) == len(studies)
    for row, header in dicoms:
        assert header.StudyInstanceUID == studies[row.image.rsplit("-", 1)[0]]
        assert header.file_meta.MediaStorageSOPInstanceUID == header.SOPInstanceUID


def test_both_photometric_interpretations_occur_among_radiographs_and_show_air_black(dicoms):
    occurring = set()
    for row, header in dicoms:
        if row.modality == "XR":
            occurring.add(header.PhotometricInterpretation)
            shown = header.pixel_array / 4095
            shown = 1 - shown if header.PhotometricInterpretation == "MONOCHROME1" else shown
            middle = shown[80:190, shown.shape[1] // 2 - 40 : shown.shape[1] // 2 + 40]
            edges = np.concatenate([shown[:, :3], shown[:, -3:]], axis=1)
            assert np.percentile(middle, 90) > np.percentile(edges, 10) + 0.2
    assert occurring == {"MONOCHROME1", "MONOCHROME2"}


def test_rescaled_ct_is_in_hounsfield_units_and_its_window_shows_part_of_them(dicoms):
    for row, header in dicoms:
        if row.modality == "CT":
            hounsfield = header.pixel_array * header.RescaleSlope + header.RescaleIntercept
            assert -1024 <= hounsfield.min() < -950  # air
            assert 300 < np.percentile(hounsfield, 99.9) < 1500  # bone
            low, high = header.WindowCenter - header.WindowWidth / 2, header.WindowCenter + header.WindowWidth / 2
            assert np.mean((hounsfield > low) & (hounsfield < high)) > 0.05


def test_mr_images_of_a_region_have_three_contrast_weightings(dicoms):
    weightings = {(row.anatomic_region, header.SeriesDescription) for row, header in dicoms if row.modality == "MR"}
    assert {region for region, _ in weightings} == {"head", "knee"}
    assert len(weightings) == 6


@pytest.mark.parametrize(
    ("region", "finding"),
    [
        pytest.param(region, finding, id=f"{region.modality}-{region.name}-{finding}")
        for region in REGIONS
        for finding in region.findings
    ],
)
def test_a_finding_changes_the_image_more_inside_its_mask_than_outside(region, finding):
    ill, well = (image_phantom(region, name, 1.0, (11, 4), np.random.default_rng(2)) for name in (finding, "normal"))
    assert ill.mask.shape == ill.pixels.shape == well.pixels.shape
    assert 12 <= ill.mask.sum() < 0.4 * ill.mask.size
    assert not well.mask.any()
    exposure = np.polyfit(well.pixels[~ill.mask], ill.pixels[~ill.mask], 1)  # the exposure depends on the whole image
    change = np.abs(ill.pixels - np.polyval(exposure, well.pixels))
    assert change[ill.mask].mean() > 1.5 * change[~ill.mask].mean()


def test_images_of_a_study_share_the_body_and_differ_in_pose():
    first, second = (image_phantom(REGIONS[0], "tumour", 1.0, (8, 1), np.random.default_rng(n)) for n in (1, 2))
    assert first.place == second.place
    assert not np.array_equal(first.mask, second.mask)
