"""DICOM lookup tables. Expected levels are worked from the formulas of PS3.3 C.11.1.1 and C.11.2.1.1."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from cbir.images.reading import read_image
from dicom_files import make_dicom, write_dicom

STORED = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # every value of 12 bits
ENTRIES = 4096


def table(words, descriptor, first_vr="US", data_vr="US"):
    """One item of a sequence of LUTs. words: a list of numbers, or bytes if `data_vr` is OW."""
    item = Dataset()
    item.LUTDescriptor = descriptor
    item["LUTDescriptor"].VR = first_vr
    item.LUTData = words
    item["LUTData"].VR = data_vr
    return item


def ramp(bits, entries=ENTRIES):
    """Levels that fall from the largest of `bits` bits to 0."""
    return (np.arange(entries)[::-1] * (2**bits - 1)) // (entries - 1)


def shown(levels, low, high):
    return np.floor((levels - low) / (high - low) * 255 + 0.5)


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 16])
def test_a_voi_lut_of_any_depth_maps_every_value_by_its_own_entry(tmp_path, bits):
    levels = ramp(bits)
    voi = [table(levels.tolist(), [ENTRIES, 0, bits])]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), shown(levels[STORED], 0, 2**bits - 1))


@pytest.mark.parametrize("entries", [256, 257, 1001, 4096])
@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_voi_lut_of_8_bits_is_read_with_two_entries_in_a_word(tmp_path, entries, vr):
    levels = ramp(8, entries)
    packed = levels.astype(np.uint8).tobytes() + b"\0" * (entries % 2)
    words = packed if vr == "OW" else np.frombuffer(packed, "<u2").tolist()
    voi = [table(words, [entries, 0, 8], data_vr=vr)]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), levels[np.minimum(STORED, entries - 1)])


def test_a_voi_lut_of_8_bits_is_read_with_one_entry_in_a_word(tmp_path):
    levels = ramp(8)
    voi = [table(levels.astype("<u2").tobytes(), [ENTRIES, 0, 8], data_vr="OW")]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), levels[STORED])


def test_a_voi_lut_of_monochrome1_is_inverted(tmp_path):
    levels = ramp(8)
    voi = [table(levels.tolist(), [ENTRIES, 0, 8])]
    tags = {"BitsStored": 12, "PhotometricInterpretation": "MONOCHROME1"}
    path = write_dicom(tmp_path / "a", STORED, VOILUTSequence=voi, **tags)
    np.testing.assert_array_equal(read_image(path), 255 - levels[STORED])


def test_values_outside_a_voi_lut_take_its_first_and_its_last_entry(tmp_path):
    levels = ramp(8, 300)
    voi = [table(levels.tolist(), [300, 1000, 8])]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), levels[np.clip(STORED.astype(int) - 1000, 0, 299)])


def test_a_descriptor_of_0_entries_means_65536(tmp_path):
    stored = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    levels = ramp(16, 65536)
    voi = [table(levels.astype("<u2").tobytes(), [0, 0, 16], data_vr="OW")]
    path = write_dicom(tmp_path / "a", stored, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), shown(levels[stored], 0, 65535))


@pytest.mark.parametrize(
    ("stored", "intercept", "first", "vr"),
    [(STORED, -1024, -500, "SS"), (STORED.astype(np.int16) - 2048, 42048, 40000, "US")],
    ids=["unsigned pixels, signed values", "signed pixels, unsigned values"],
)
@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian])
def test_the_first_value_of_a_voi_lut_has_the_sign_of_the_rescaled_values(
    tmp_path, stored, intercept, first, vr, syntax
):
    levels = ramp(10, 2000)
    voi = [table(levels.tolist(), [2000, first, 10], vr)]
    tags = {"RescaleSlope": 1, "RescaleIntercept": intercept, "BitsStored": 12}
    dataset = make_dicom(stored, VOILUTSequence=voi, **tags)
    if syntax:  # its reader takes the sign of Pixel Representation
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    entry = np.clip(stored.astype(int) + intercept - first, 0, 1999)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), shown(levels[entry], 0, 1023))


@pytest.mark.parametrize("kind", ["words", "packed"])
def test_a_lut_in_big_endian_gives_the_same_levels(tmp_path, kind):
    bits = 12 if kind == "words" else 8
    levels = ramp(bits)
    # Packed entries stand in the low byte of a word first (PS3.5 D.2), whatever the order of the bytes.
    words = levels if kind == "words" else np.frombuffer(levels.astype(np.uint8).tobytes(), "<u2")
    voi = [table(words.astype(">u2").tobytes(), [ENTRIES, 0, bits], data_vr="OW")]
    dataset = make_dicom(STORED, BitsStored=12, VOILUTSequence=voi)
    dataset.PixelData = STORED.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), shown(levels[STORED], 0, 2**bits - 1))


def test_a_lut_with_fewer_entries_than_its_descriptor_says_ends_with_its_last_one(tmp_path):
    levels = ramp(16, 3000)
    voi = [table(levels.tolist(), [ENTRIES, 0, 16])]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, VOILUTSequence=voi)
    np.testing.assert_array_equal(read_image(path), shown(levels[np.minimum(STORED, 2999)], 0, 65535))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_modality_lut_of_any_depth_maps_every_value_by_its_own_entry(tmp_path, bits):
    levels = ramp(bits) // 2
    modality = [table(levels.tolist(), [ENTRIES, 0, bits])]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, ModalityLUTSequence=modality)
    np.testing.assert_array_equal(read_image(path), shown(levels[STORED], 0, levels.max()))


def test_a_modality_lut_of_8_bits_is_read_with_two_entries_in_a_word(tmp_path):
    levels = ramp(8) // 2
    modality = [table(levels.astype(np.uint8).tobytes(), [ENTRIES, 0, 8], data_vr="OW")]
    path = write_dicom(tmp_path / "a", STORED, BitsStored=12, ModalityLUTSequence=modality)
    np.testing.assert_array_equal(read_image(path), shown(levels[STORED], 0, levels.max()))


def test_a_voi_lut_maps_the_output_of_a_modality_lut(tmp_path):
    first, second = ramp(12), ramp(8)
    path = write_dicom(
        tmp_path / "a",
        STORED,
        BitsStored=12,
        ModalityLUTSequence=[table(first.tolist(), [ENTRIES, 0, 16])],
        VOILUTSequence=[table(second.tolist(), [ENTRIES, 0, 8])],
    )
    np.testing.assert_array_equal(read_image(path), second[first[STORED]])
