import nibabel
import numpy as np
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources.nifti import read_images
from cbir.errors import InputError
from cbir.images.reading import inspect_images, read_image
from nifti_files import write_nifti

TABLE = """image,patient_id,modality,anatomic_region,pathology,split,report,mask
ct/a.nii.gz,p1,CT,abdomen,cyst,train,"One cyst, renal.",ct/a_cyst.nii.gz
mr/b.nii,,MR,brain,No Finding,test,,
"""
LPS = np.diag([-1.0, -1, 2, 1])


def body():
    """Voxels (12, 10, 20): a body in slices 4 to 15, with a bright cyst in slices 8 and 9."""
    voxels = np.random.default_rng(0).normal(-1000, 5, (12, 10, 20))
    voxels[3:9, 2:8, 4:16] += 1000
    voxels[4:7, 3:6, 8:10] += 500
    return voxels.astype(np.int16)


def dataset(root, table=TABLE):
    cyst = np.zeros((12, 10, 20), np.uint8)
    cyst[4:7, 3:6, 8:10] = 1
    write_nifti(root / "ct/a.nii.gz", body()[::-1, ::-1], LPS)
    write_nifti(root / "ct/a_cyst.nii.gz", cyst, np.array([[1, 0, 0, -11], [0, 1, 0, -9], [0, 0, 2, 0], [0, 0, 0, 1]]))
    write_nifti(root / "mr/b.nii", np.moveaxis(body(), 2, 0)[:6], np.eye(4))
    (root / "volumes.csv").write_text(table)
    return root


def options(root, **changes):
    return {"root": str(root), "table": "volumes.csv", "axis": "axial", "every": 1, "background": 0.05} | changes


def test_every_slice_with_foreground_is_an_image_with_the_patient_and_labels_of_its_volume(tmp_path):
    root = dataset(tmp_path)
    images = read_images("mine", options(root))
    manifest = complete_manifest(images, "mine")
    ct, mr = manifest[manifest["modality"] == "CT"], manifest[manifest["modality"] == "MR"]
    assert sorted(ct["frame"]) == list(range(12 + 10 + 4, 12 + 10 + 16))
    assert sorted(mr["frame"]) == list(range(6 + 12 + 2, 6 + 12 + 8))
    assert images.attrs["left_out"] == {"background slice": 8 + 4}
    assert ct["image_id"].tolist() == [f"ct/a.nii.gz#{frame}" for frame in range(26, 38)]
    assert set(ct["path"]) == {f"{root}/ct/a.nii.gz"}
    assert (set(ct["patient_id"]), set(mr["patient_id"])) == ({"p1"}, {"mr/b.nii"})
    assert (set(ct["label"]), set(ct["split"]), set(ct["report"])) == (
        {"CT/abdomen/cyst"},
        {"train"},
        {"One cyst, renal."},
    )
    assert (set(ct["mask"]), set(mr["mask"])) == ({f"{root}/ct/a_cyst.nii.gz"}, {""})
    assert inspect_images(manifest, 1)["readable"].all()


@pytest.mark.parametrize("word", ["", "NA"])
def test_the_slices_of_a_volume_with_an_unknown_patient_stay_together(tmp_path, word, caplog):
    table = TABLE.replace(",p1,", f",{word},").replace("mr/b.nii,,", f"mr/b.nii,{word},")
    manifest = complete_manifest(read_images("mine", options(dataset(tmp_path, table))), "mine")
    assert set(manifest["patient_id"]) == {"ct/a.nii.gz", "mr/b.nii"}
    assert f"2 of 2 volumes have an unknown patient ({word or 'blank'} 2)" in caplog.text


def test_a_pair_is_listed_by_either_of_its_files(tmp_path):
    voxels = np.moveaxis(body(), 2, 0)[:6]
    root = dataset(tmp_path)
    nibabel.save(nibabel.Nifti1Pair(voxels, np.eye(4)), root / "mr/b.img")
    expected = read_images("mine", options(root))
    for name in ("mr/b.img", "mr/b.hdr"):
        (root / "volumes.csv").write_text(TABLE.replace("mr/b.nii", name))
        images = read_images("mine", options(root))
        assert images["frame"].tolist() == expected["frame"].tolist()
        assert set(images["path"]) == {f"{root}/ct/a.nii.gz", f"{root}/{name}"}
        assert inspect_images(complete_manifest(images, "mine"), 1)["readable"].all()


def test_the_slice_of_a_mask_has_the_same_frame_as_the_image_and_covers_the_finding(tmp_path):
    for axis in ("sagittal", "coronal", "axial"):
        images = read_images("mine", options(dataset(tmp_path), axis=axis, background=0))
        marked = 0
        for row in images[images["mask"] != ""].itertuples():
            image, mask = read_image(row.path, row.frame), read_image(row.mask, row.frame)
            assert image.shape == mask.shape
            assert axis != "axial" or image[mask == 0].max() < 200  # other planes are interpolated
            marked += mask.any()
            assert not mask.any() or image[mask > 0].mean() > 200
        assert marked == {"sagittal": 3, "coronal": 3, "axial": 2}[axis]


@pytest.mark.parametrize(
    ("every", "expected"), [(1, range(20)), (2, range(0, 20, 2)), (7, [2, 9, 16]), (20, [9]), (99, [9])]
)
def test_every_nth_slice_is_taken_with_as_many_left_out_at_both_ends(tmp_path, every, expected):
    images = read_images("mine", options(dataset(tmp_path), every=every, background=0))
    assert images.loc[images["modality"] == "CT", "frame"].tolist() == [22 + place for place in expected]
    assert "left_out" not in images.attrs


def test_a_volume_that_cannot_be_read_stays_so_that_the_inspection_reports_it(tmp_path):
    root = dataset(tmp_path)
    whole = (root / "ct/a.nii.gz").read_bytes()
    (root / "ct/a.nii.gz").write_bytes(whole[: len(whole) // 2])
    (root / "mr/b.nii").write_bytes(b"")
    images = read_images("mine", options(root))
    assert images["image_id"].tolist() == ["ct/a.nii.gz#0", "mr/b.nii#0"]
    assert not inspect_images(images, 1)["readable"].any()


def test_masks_that_do_not_fit_are_listed_all_at_once(tmp_path):
    root = dataset(tmp_path)
    rows = ["image,modality,anatomic_region,pathology,mask"]
    fits = {
        "shape": (np.zeros((12, 10, 19), np.uint8), LPS),
        "turned": (np.zeros((12, 10, 20), np.uint8), np.diag([1.0, 1, 2, 1])),
        "close": (np.zeros((12, 10, 20), np.uint8), LPS + np.eye(4, k=3) * 0.3),
    }
    for name, (mask, affine) in fits.items():
        write_nifti(root / f"{name}.nii", mask, affine)
    (root / "text.nii").write_text("no volume")
    rows += [f"ct/a.nii.gz,CT,abdomen,cyst,{name}.nii" for name in (*fits, "text")]
    (root / "volumes.csv").write_text("\n".join(rows))
    with pytest.raises(InputError) as caught:
        read_images("mine", options(root))
    message = str(caught.value)
    assert "dataset mine: 3 masks do not fit" in message
    assert "shape.nii: 12 x 10 x 19 voxels, not 12 x 10 x 20" in message
    assert "turned.nii: 14.2 mm away" in message
    assert "text.nii: not NIfTI" in message


def test_missing_volumes_and_masks_are_listed(tmp_path):
    root = dataset(tmp_path, TABLE.replace("mr/b.nii,", "mr/c.nii,").replace("a_cyst", "a_tumor"))
    with pytest.raises(InputError, match=r"2 listed files are not under .*\n  mr/c.nii\n  ct/a_tumor.nii.gz"):
        read_images("mine", options(root))
