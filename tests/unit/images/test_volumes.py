import gzip
import os
import struct

import nibabel
import numpy as np
import pytest

from cbir.errors import InputError
from cbir.images.reading import inspect_image, read_image
from cbir.images.volumes import _read_volume, foreground_shares, read_grid, slice_frames
from nifti_files import write_nifti

# axes: left to right, posterior to anterior, inferior to superior; values from 0 to 255 are shown as they are
VOXELS = np.append(np.arange(209), 255).astype(np.uint8).reshape(5, 6, 7)
TILT = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]])


def affine(*directions, tilt=None):
    """An affine whose voxel axes have these directions, each as (right, anterior, superior) of the patient."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if tilt is None else tilt) @ np.transpose(directions)
    matrix[:3, 3] = 3, -7, 11
    return matrix


STORED = {
    "RAS": (VOXELS, affine((1, 0, 0), (0, 1, 0), (0, 0, 1))),
    "LPS": (VOXELS[::-1, ::-1], affine((-1, 0, 0), (0, -1, 0), (0, 0, 1))),
    "PSR": (VOXELS.transpose(1, 2, 0)[::-1], affine((0, -1, 0), (0, 0, 1), (1, 0, 0))),
    "LIA": (VOXELS.transpose(0, 2, 1)[::-1, ::-1], affine((-1, 0, 0), (0, 0, -1), (0, 1, 0))),
    "oblique RAS": (VOXELS, affine((1, 0, 0), (0, 1, 0), (0, 0, 1), tilt=TILT)),
    "oblique LPS": (VOXELS[::-1, ::-1], affine((-1, 0, 0), (0, -1, 0), (0, 0, 1), tilt=TILT.T)),
}


@pytest.mark.parametrize("stored", STORED)
def test_a_frame_is_the_same_slice_as_a_radiologist_sees_it_in_every_orientation_of_the_file(tmp_path, stored):
    path = write_nifti(tmp_path / "a.nii", *STORED[stored])
    sagittal, coronal, axial = read_image(path, 2), read_image(path, 5 + 4), read_image(path, 5 + 6 + 1)
    assert (sagittal.shape, coronal.shape, axial.shape) == ((7, 6), (7, 5), (6, 5))
    # The first row is superior, in axial slices anterior. The first column is right, in sagittal slices anterior.
    assert [sagittal[0, 0], sagittal[0, -1], sagittal[-1, 0]] == [VOXELS[2, 5, 6], VOXELS[2, 0, 6], VOXELS[2, 5, 0]]
    assert [coronal[0, 0], coronal[0, -1], coronal[-1, 0]] == [VOXELS[4, 4, 6], VOXELS[0, 4, 6], VOXELS[4, 4, 0]]
    assert [axial[0, 0], axial[0, -1], axial[-1, 0]] == [VOXELS[4, 5, 1], VOXELS[0, 5, 1], VOXELS[4, 0, 1]]
    np.testing.assert_array_equal(axial, VOXELS[::-1, ::-1, 1].T)
    assert read_grid(path).shape == (5, 6, 7)


def test_the_frames_of_a_plane_follow_those_of_the_planes_before(tmp_path):
    grid = read_grid(write_nifti(tmp_path / "a.nii", *STORED["PSR"]))
    assert [slice_frames(grid, plane) for plane in ("sagittal", "coronal", "axial")] == [
        range(5),
        range(5, 11),
        range(11, 18),
    ]


def test_nifti_is_found_by_its_content_also_if_gzipped_or_of_version_2(tmp_path):
    plain = write_nifti(tmp_path / "a.nii", VOXELS)
    expected = read_image(plain, 12)
    for name in ("b.nii.gz", "b.dcm", "no_extension"):
        (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()))
        np.testing.assert_array_equal(read_image(tmp_path / name, 12), expected)
    (tmp_path / "c.png").write_bytes(plain.read_bytes())
    np.testing.assert_array_equal(read_image(tmp_path / "c.png", 12), expected)
    nibabel.save(nibabel.Nifti2Image(VOXELS, np.eye(4)), tmp_path / "d.nii")
    np.testing.assert_array_equal(read_image(tmp_path / "d.nii", 12), expected)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("after", [(3,), (1, 3)])
def test_the_first_of_several_volumes_is_read(tmp_path, name, after):
    volumes = np.zeros((*VOXELS.shape, *after), np.uint8)
    volumes[(..., *[0] * len(after))] = VOXELS
    volumes[..., 1] = 77
    path = write_nifti(tmp_path / name, volumes)
    np.testing.assert_array_equal(read_image(path, 12), VOXELS[::-1, ::-1, 1].T)
    with pytest.raises(InputError, match="no frame 18, it has 18"):
        read_image(path, 18)


def test_a_picture_stored_as_nifti_is_a_volume_of_one_axial_slice(tmp_path):
    path = write_nifti(tmp_path / "a.nii", VOXELS[..., 1])
    assert read_grid(path).shape == (5, 6, 1)
    assert read_image(path, 11).shape == (6, 5)


def test_grey_levels_run_between_the_limits_of_the_header_in_scaled_values(tmp_path):
    hounsfield = np.array([-1000, -160, 40, 240, 3000])
    stored = np.broadcast_to((hounsfield + 1024)[:, None, None] * 2, (5, 2, 2)).astype(np.int16)
    path = write_nifti(tmp_path / "a.nii", stored, cal_min=-160, cal_max=240)
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<ff", 0.5, -1024)  # scl_slope, scl_inter
    path.write_bytes(content)
    np.testing.assert_array_equal(read_image(path, 7)[0], [255, 255, 128, 0, 0])
    assert inspect_image(path, 7)["bits"] == 16


def test_grey_levels_without_limits_run_between_percentiles_of_all_voxels_except_padding(tmp_path):
    voxels = np.random.default_rng(0).normal(0, 300, (20, 30, 10)).astype(np.int16)
    inside = voxels.copy()
    voxels[:7] = -3024
    low, high = np.percentile(inside[7:], [0.5, 99.5])
    expected = np.clip((inside[::-1, ::-1, 4].T - low) / (high - low), 0, 1) * 255
    expected[:, 13:] = 0
    path = write_nifti(tmp_path / "a.nii.gz", voxels, cal_min=5, cal_max=5)
    np.testing.assert_allclose(read_image(path, 54), expected, atol=0.5001)


def test_nan_is_black_and_does_not_change_the_range(tmp_path):
    voxels = np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 10, 10)
    voxels[0] = np.nan
    path = write_nifti(tmp_path / "a.nii", voxels)
    pixels = read_image(path, 25)
    assert not pixels[:, -1].any()
    assert pixels[:, 0].min() > 200
    assert not read_image(write_nifti(tmp_path / "b.nii", np.full((3, 3, 3), np.nan)), 1).any()
    assert not read_image(write_nifti(tmp_path / "c.nii", np.full((3, 3, 3), 700.5)), 1).any()


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64])
def test_every_label_of_a_mask_has_a_grey_level_of_its_own(tmp_path, kind):
    mask = np.zeros((8, 8, 4), kind)
    mask[2:4, 2:4], mask[5, 5] = 1, 3
    path = write_nifti(tmp_path / "mask.nii.gz", mask, np.diag([1, 1, 2.5, 1]))
    np.testing.assert_array_equal(read_image(path, 17), mask[::-1, ::-1, 1].T * 85)
    coronal = read_image(path, 8 + 3)
    assert coronal.shape == (10, 8)
    assert set(np.unique(coronal)) == {0, 85}


def test_slices_have_square_pixels(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 1000, 6), (9, 5, 6)).astype(np.float32)
    path = write_nifti(tmp_path / "a.nii", ramp, np.diag([-0.5, 1, 4, 1]), cal_min=0, cal_max=1000)
    assert read_image(path, 0).shape == (24, 5)
    coronal = read_image(path, 9)
    assert coronal.shape == (48, 9)
    assert (np.diff(coronal[:, 0].astype(int)) <= 0).all()
    assert len(np.unique(coronal)) > 30
    assert read_image(path, 14).shape == (10, 9)


def test_a_volume_is_decompressed_once_for_all_slices_and_again_after_a_change(tmp_path):
    path = write_nifti(tmp_path / "a.nii.gz", VOXELS)
    _read_volume.cache_clear()
    for frame in range(18):
        read_image(path, frame)
    assert _read_volume.cache_info().misses == 1
    before = read_image(path, 12)
    write_nifti(path, VOXELS[:, :, ::-1])
    os.utime(path, (1, 1))
    assert (read_image(path, 12) != before).any()


def broken_files(folder):
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 16), dtype=np.uint8)
    plain = write_nifti(folder / "plain.nii", noise).read_bytes()
    packed = gzip.compress(plain)
    flat = bytearray(plain)
    flat[252:256], flat[280:328] = struct.pack("<hh", 0, 1), bytes(48)  # an sform of zeros
    huge = bytearray(plain)
    huge[40:48] = struct.pack("<hhhh", 3, 30000, 30000, 30000)
    kind = bytearray(plain)
    kind[70:72] = struct.pack("<h", 9999)
    return {
        "header only": plain[:352],
        "truncated": plain[:-100],
        "truncated header": plain[:200],
        "truncated gzip": packed[: len(packed) // 2],
        "gzip of text": gzip.compress(b"no volume" * 99),
        "damaged gzip": packed[:1500] + bytes(500) + packed[2000:],
        "gzip's first bytes": packed[:5],
        "no directions": bytes(flat),
        "huge": bytes(huge),
        "unknown type": bytes(kind),
    }


def test_a_broken_file_is_unreadable_with_its_path_and_a_reason(tmp_path):
    for name, content in broken_files(tmp_path).items():
        path = tmp_path / f"{name}.nii.gz"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_image(path, 20)
        assert str(caught.value).startswith(f"{path}: "), name
        assert len(inspect_image(path)["reason"]) > 8, name
    assert inspect_image(tmp_path / "missing.nii")["reason"] == "No such file or directory"


def color_voxels(components):
    """Voxels of nibabel's type of RGB24 or RGBA32, in the shape of VOXELS."""
    voxels = np.zeros(VOXELS.shape, [(name, np.uint8) for name in components])
    for number, name in enumerate("RGB"):
        voxels[name] = np.roll(VOXELS, number)
    return voxels


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".img"])
@pytest.mark.parametrize("components", ["RGB", "RGBA"])
def test_color_voxels_are_shown_as_they_are_stored(tmp_path, components, suffix):
    voxels = color_voxels(components)
    if "A" in components:
        voxels["A"] = 255
    path = tmp_path / f"a{suffix}"
    kind = nibabel.Nifti1Pair if suffix == ".img" else nibabel.Nifti1Image
    nibabel.save(kind(voxels, np.eye(4)), path)
    assert int(nibabel.load(path).header["datatype"]) == {"RGB": 128, "RGBA": 2304}[components]
    expected = np.dstack([np.roll(VOXELS, number)[::-1, ::-1, 1].T for number in range(3)])
    np.testing.assert_array_equal(read_image(path, 12), expected)
    assert read_image(path, 0).shape == (7, 6, 3)
    assert inspect_image(path, 12)["bits"] == 8


def test_color_is_not_scaled_by_the_header_and_has_square_pixels(tmp_path):
    path = write_nifti(tmp_path / "a.nii", color_voxels("RGB"), np.diag([1, 1, 3, 1]), cal_min=10, cal_max=20)
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<ff", 0.5, -7)  # scl_slope, scl_inter
    path.write_bytes(content)
    np.testing.assert_array_equal(read_image(path, 12)[..., 0], VOXELS[::-1, ::-1, 1].T)
    assert read_image(path, 0).shape == (21, 6, 3)


def test_transparent_color_is_blended_with_black(tmp_path):
    voxels = color_voxels("RGBA")
    voxels["A"] = np.arange(5)[:, None, None] * 60
    shown = read_image(write_nifti(tmp_path / "a.nii", voxels), 12)
    expected = VOXELS[::-1, ::-1, 1].T * (np.arange(5)[::-1] * 60 / 255)
    np.testing.assert_allclose(shown[..., 0], expected, atol=0.5001)


def test_the_first_of_several_color_volumes_is_read(tmp_path):
    volumes = np.stack([color_voxels("RGB"), np.zeros_like(color_voxels("RGB"))], axis=-1)
    path = write_nifti(tmp_path / "a.nii.gz", volumes)
    np.testing.assert_array_equal(read_image(path, 12)[..., 0], VOXELS[::-1, ::-1, 1].T)


def test_the_foreground_of_color_is_that_of_its_brightness(tmp_path):
    voxels = np.zeros((4, 4, 4), [(name, np.uint8) for name in "RGB"])
    voxels["G"][:, :2] = 200
    voxels["B"] = 10
    np.testing.assert_array_equal(foreground_shares(write_nifti(tmp_path / "a.nii", voxels), "axial"), [0.5] * 4)


def test_voxels_that_are_neither_real_numbers_nor_colors_are_refused(tmp_path):
    path = write_nifti(tmp_path / "a.nii", np.zeros((3, 3, 3), np.complex64))
    with pytest.raises(InputError, match="must be real numbers or RGB"):
        read_image(path)


def test_a_slice_of_too_many_square_pixels_is_refused(tmp_path):
    path = write_nifti(tmp_path / "a.nii", VOXELS, np.diag([1e-8, 1, 1, 1]))
    with pytest.raises(InputError, match="square pixels; at most"):
        read_image(path, 12)
    assert read_image(path, 0).shape == (7, 6)


def test_foreground_is_the_share_of_bright_pixels_in_a_slice(tmp_path):
    right, anterior, superior = np.ogrid[-1:1:40j, -1:1:40j, -1:1:20j]
    ball = right**2 + anterior**2 + superior**2 < 0.5
    values = np.random.default_rng(0).normal(60, 15, ball.shape)
    values[ball] += 400
    path = write_nifti(tmp_path / "a.nii.gz", values.astype(np.int16))
    np.testing.assert_array_equal(foreground_shares(path, "axial"), ball.mean(axis=(0, 1)))
    np.testing.assert_array_equal(foreground_shares(path, "sagittal"), ball.mean(axis=(1, 2)))
    assert not foreground_shares(write_nifti(tmp_path / "flat.nii", np.full((4, 4, 4), 9.0)), "coronal").any()
