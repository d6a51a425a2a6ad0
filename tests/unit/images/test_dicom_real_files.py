"""Real DICOM files, those of the packages pydicom and pydicom-data."""

import subprocess
import sys
from pathlib import Path

import data_store
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_modality_lut, apply_voi_lut

import cbir
from cbir.errors import InputError
from cbir.images.reading import inspect_image, read_image
from dicom_files import by_arithmetic, make_dicom

REAL = Path(data_store.__file__).parent / "data"
STORED = np.random.default_rng(0).integers(0, 4096, (40, 30)).astype(np.uint16)


@pytest.mark.parametrize(("name", "low", "high"), [("mlut_18.dcm", None, None), ("vlut_04.dcm", 0, 65535)])
def test_real_luts_are_applied_as_pydicom_applies_them(name, low, high):
    dataset = pydicom.dcmread(REAL / name)
    values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(float)
    low, high = (values.min(), values.max()) if low is None else (low, high)
    np.testing.assert_array_equal(read_image(REAL / name), by_arithmetic(values, low, high))


def test_a_supplemental_palette_colors_the_values_above_the_grey_ones():
    dataset = pydicom.dcmread(REAL / "eCT_Supplemental.dcm")
    stored = dataset.pixel_array[1]
    read = read_image(REAL / "eCT_Supplemental.dcm", 1)
    entries, first, _ = dataset.RedPaletteColorLookupTableDescriptor
    for channel, color in enumerate(("Red", "Green", "Blue")):
        table = np.frombuffer(dataset[f"{color}PaletteColorLookupTableData"].value, "<u2") >> 8
        colored = stored >= first
        expected = table[np.clip(stored[colored].astype(int) - first, 0, entries - 1)]
        np.testing.assert_array_equal(read[colored, channel], expected)
    assert not read[stored == 0].any()  # -1024 HU, below the window


@pytest.mark.parametrize(
    "names",
    [
        ["693_UNCR.dcm", "693_J2KR.dcm"],
        ["693_UNCI.dcm", get_testdata_file("693_J2KI.dcm", download=False)],
        ["MR2_UNCR.dcm", "MR2_J2KR.dcm"],
        ["RG1_UNCR.dcm", "RG1_J2KR.dcm"],
        ["RG3_UNCI.dcm", "RG3_J2KI.dcm"],
        ["US1_UNCR.dcm", "US1_J2KR.dcm"],
        ["color-pl.dcm", "color-px.dcm"],
        ["OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", "OBXXXX1A_expb.dcm"],
        ["gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"],
        ["SC_rgb.dcm", "SC_rgb_expb_16bit.dcm", "SC_rgb_32bit.dcm", "SC_rgb_gdcm2k_uncompressed.dcm"],
        [
            get_testdata_file(f"MR_small{kind}.dcm", download=False)
            for kind in ("", "_RLE", "_bigendian", "_implicit", "_jp2klossless", "_jpeg_ls_lossless", "_padded")
        ],
    ],
    ids=lambda names: Path(names[0]).stem,
)
def test_the_same_real_picture_has_one_hash_in_every_lossless_transfer_syntax(names):
    inspected = [inspect_image(REAL / name) for name in names]
    assert all(found["readable"] for found in inspected)
    assert len({found["pixel_hash"] for found in inspected}) == 1


@pytest.mark.parametrize("frame", [0, 9])
def test_the_same_real_frame_has_one_hash_in_every_lossless_transfer_syntax(frame):
    kinds = ("", "_RLE", "_big_endian", "_jpeg_2k_lossless", "_jpeg_ls_lossless")
    hashes = {inspect_image(REAL / f"emri_small{kind}.dcm", frame)["pixel_hash"] for kind in kinds}
    assert len(hashes) == 1


def test_a_real_jpeg_in_ybr_is_close_to_the_same_picture_uncompressed():
    reference = read_image(get_testdata_file("SC_rgb_jpeg_gdcm.dcm", download=False)).astype(int)
    np.testing.assert_array_equal(reference, pydicom.dcmread(REAL / "SC_rgb.dcm").pixel_array)
    lossy = read_image(get_testdata_file("SC_rgb_jpeg_lossy_gdcm.dcm", download=False)).astype(int)
    assert np.abs(lossy - reference).mean() < 4


@pytest.mark.parametrize(
    "name",
    [
        "693_UNCR.dcm",  # native
        "693_J2KR.dcm",  # JPEG 2000
        "bad_sequence.dcm",  # JPEG lossless
        "color3d_jpeg_baseline.dcm",
        "OBXXXX1A_rle.dcm",
        "emri_small_jpeg_ls_lossless.dcm",
        get_testdata_file("JPGExtended.dcm", download=False),
        get_testdata_file("image_dfl.dcm", download=False),
        get_testdata_file("MR_small_implicit.dcm", download=False),
    ],
    ids=lambda name: Path(name).stem,
)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_truncated_pixels_are_refused_even_where_the_decoder_fills_them_in(tmp_path, name, share):
    whole = (REAL / name).read_bytes()
    path = tmp_path / "a.dcm"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=f"^{path}: "):
        read_image(path)


def test_a_file_that_only_has_no_sequence_delimiter_is_read():
    complete = inspect_image(REAL / "emri_small_jpeg_2k_lossless.dcm", 9)
    assert inspect_image(REAL / "emri_small_jpeg_2k_lossless_too_short.dcm", 9) == complete


def test_dicom_without_pixels_is_refused(tmp_path):
    dataset = make_dicom(STORED)
    del dataset.PixelData
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    for path in (tmp_path / "a", get_testdata_file("reportsi.dcm", download=False)):
        with pytest.raises(InputError, match="DICOM without pixels"):
            read_image(path)


def test_a_number_of_frames_that_is_no_number_is_named():
    path = get_testdata_file("badVR.dcm", download=False)
    with pytest.raises(InputError, match=f"^{path}: NumberOfFrames is '1A', not a whole number; correct it"):
        read_image(path)


def test_files_with_odd_headers_are_read_without_a_warning():
    files = [get_testdata_file(name, download=False) for name in ("MR_small_padded.dcm", "J2K_pixelrep_mismatch.dcm")]
    code = f"from cbir.images.reading import read_image\nfor path in {files}: read_image(path)"
    library = Path(cbir.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=library, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
