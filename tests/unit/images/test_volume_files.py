import gzip
import shutil

import nibabel
import numpy as np
import pytest
from nibabel.orientations import aff2axcodes

from cbir.errors import InputError
from cbir.images.file_states import file_state
from cbir.images.reading import inspect_image, read_image
from cbir.images.volumes import read_grid
from nifti_files import write_nifti

VOXELS = np.append(np.arange(209), 255).astype(np.uint8).reshape(5, 6, 7)
KINDS = [
    nibabel.Nifti1Pair,
    nibabel.Nifti2Pair,
    nibabel.AnalyzeImage,
    nibabel.Spm99AnalyzeImage,
    nibabel.Spm2AnalyzeImage,
]


def write_pair(path, voxels=VOXELS, kind=nibabel.Nifti1Pair, affine=None):
    nibabel.save(kind(voxels, np.diag([-1, 1, 1, 1]) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gzipped", ["", ".gz"])
def test_a_pair_is_read_by_either_of_its_files_as_the_same_volume_in_one_file(tmp_path, kind, gzipped):
    written = write_pair(tmp_path / f"a.img{gzipped}", kind=kind)
    single = write_nifti(tmp_path / "a.nii", VOXELS, np.diag([-1, 1, 1, 1]))
    for path in (written, tmp_path / f"a.hdr{gzipped}"):
        for frame in (2, 9, 12):
            assert inspect_image(path, frame) == inspect_image(single, frame)
        np.testing.assert_array_equal(read_image(path, 12), VOXELS[:, ::-1, 1].T)
        assert read_grid(path).shape == (5, 6, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_written_by_a_machine_of_the_other_byte_order_is_read(tmp_path, kind):
    values = VOXELS.astype(">i2")
    header = kind.header_class(endianness=">")
    header.set_data_dtype(">i2")
    nibabel.save(kind(values, np.diag([-1, 1, 1, 1]), header), tmp_path / "a.img")
    assert (tmp_path / "a.hdr").read_bytes()[:2] == b"\0\0"
    np.testing.assert_array_equal(read_image(tmp_path / "a.img", 12), VOXELS[:, ::-1, 1].T)


def test_analyze_without_an_orientation_runs_from_right_to_left_as_nibabel_says(tmp_path):
    path = write_pair(tmp_path / "a.img", kind=nibabel.AnalyzeImage, affine=np.diag([-1, 1, 1, 1]))
    assert aff2axcodes(nibabel.load(path).affine) == ("L", "A", "S")
    axial = read_image(path, 12)
    assert [axial[-1, 0], axial[-1, -1]] == [VOXELS[0, 0, 1], VOXELS[-1, 0, 1]]  # the first column is the right


def test_names_in_capitals_are_a_pair_too(tmp_path):
    write_pair(tmp_path / "a.img")
    (tmp_path / "a.img").rename(tmp_path / "A.IMG")
    (tmp_path / "a.hdr").rename(tmp_path / "A.HDR")
    np.testing.assert_array_equal(read_image(tmp_path / "A.IMG", 12), VOXELS[:, ::-1, 1].T)
    np.testing.assert_array_equal(read_image(tmp_path / "A.HDR", 12), VOXELS[:, ::-1, 1].T)


def test_a_picture_or_a_single_volume_is_read_by_its_content_whatever_its_name(tmp_path):
    single = write_nifti(tmp_path / "a.nii", VOXELS)
    shutil.copy(single, tmp_path / "b.img")
    np.testing.assert_array_equal(read_image(tmp_path / "b.img", 12), read_image(single, 12))
    (tmp_path / "b.hdr").write_text("ENVI\nno header of a volume\n" * 30)
    np.testing.assert_array_equal(read_image(tmp_path / "b.img", 12), read_image(single, 12))


def test_half_of_a_pair_is_refused_with_the_name_of_the_other_file(tmp_path):
    for missing, given in (("img", "hdr"), ("hdr", "img")):
        write_pair(tmp_path / "a.img")
        (tmp_path / f"a.{missing}").unlink()
        reason = "no a.img beside it" if given == "hdr" else "not an image; a file of a NIfTI or Analyze pair needs"
        with pytest.raises(InputError, match=f"^{tmp_path}/a.{given}: {reason}"):
            read_image(tmp_path / f"a.{given}", 12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_or_damaged_pair_is_refused(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 16), dtype=np.uint8)
    path = write_pair(tmp_path / "a.img", noise, kind)
    path.write_bytes(path.read_bytes()[:-100])
    packed = write_pair(tmp_path / "b.img.gz", noise, kind)
    content = packed.read_bytes()
    packed.write_bytes(content[:1500] + bytes(500) + content[2000:])
    checksum = write_pair(tmp_path / "c.img.gz", noise, kind)
    checksum.write_bytes(checksum.read_bytes()[:-8] + bytes(8))
    header = write_pair(tmp_path / "d.img", noise, kind)
    (tmp_path / "d.hdr").write_bytes((tmp_path / "d.hdr").read_bytes()[:200])
    for broken in (path, packed, checksum, header):
        with pytest.raises(InputError, match=f"^{broken}: "):
            read_image(broken, 20)


def test_the_state_of_a_pair_changes_with_each_of_its_files(tmp_path):
    write_pair(tmp_path / "a.img")
    before = file_state(tmp_path / "a.hdr")
    assert before == file_state(tmp_path / "a.img")
    (tmp_path / "a.img").write_bytes((tmp_path / "a.img").read_bytes() + b"\0")
    assert file_state(tmp_path / "a.hdr") != before
    old = read_image(tmp_path / "a.hdr", 12)
    write_pair(tmp_path / "a.img", VOXELS[::-1])
    assert (read_image(tmp_path / "a.hdr", 12) != old).any()


def test_a_gzipped_header_that_is_no_volume_is_not_an_image(tmp_path):
    (tmp_path / "a.hdr.gz").write_bytes(gzip.compress(b"no volume" * 99))
    with pytest.raises(InputError, match="not an image"):
        read_image(tmp_path / "a.hdr.gz")
