import gzip

import pytest

from cbir.datasets.sources.mimic_cxr import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

SPLIT = """dicom_id,study_id,subject_id,split
aaa-1,50000001,10000032,train
aaa-2,50000001,10000032,train
bbb-1,50000002,10000032,test
ccc-1,50000003,19999999,validate
ddd-1,50000004,19999999,train
eee-1,50000005,19999999,train
"""
LABELS = """subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,\
Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices
10000032,50000001,,,,,,,,,1.0,,,,,1.0
10000032,50000002,0.0,-1.0,,,,,,,,1.0,,,,
19999999,50000003,,,,,,,,,,,,-1.0,1.0,
19999999,50000004,1.0,,,,,,,1.0,,,,,,
"""
IMAGES = [
    "files/p10/p10000032/s50000001/aaa-1.jpg",
    "files/p10/p10000032/s50000001/aaa-2.jpg",
    "files/p10/p10000032/s50000002/bbb-1.jpg",
    "files/p19/p19999999/s50000003/ccc-1.jpg",
]
PATIENTS = ["10000032", "10000032", "10000032", "19999999"]
FINDINGS = ["No Finding", "No Finding", "Pleural Effusion", "Pneumothorax"]
SPLITS = ["train", "train", "test", "val"]
KEPT = [
    (image, patient, f"XR/chest/{finding}", split)
    for image, patient, finding, split in zip(IMAGES, PATIENTS, FINDINGS, SPLITS, strict=True)
]


def make(root, images=IMAGES):
    touch_files(root, *images)
    return write_files(root, {"mimic-cxr-2.0.0-split.csv": SPLIT, "mimic-cxr-2.0.0-chexpert.csv": LABELS})


def test_images_of_one_finding_are_kept_with_the_official_split(tmp_path):
    manifest = read_manifest_of(read_images, make(tmp_path))
    # the patient in both train and test keeps the published splits
    assert rows(manifest, "image_id", "patient_id", "label", "split") == KEPT
    assert set(manifest["report"]) == {""}
    assert manifest.attrs["left_out"] == {"study without labels": 1, "not exactly one finding": 1}


def test_gzipped_tables_give_the_same_images(tmp_path):
    make(tmp_path)
    for path in list(tmp_path.glob("*.csv")):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert rows(read_manifest_of(read_images, tmp_path), "image_id", "patient_id", "label", "split") == KEPT


@pytest.mark.parametrize("folder", ["mimic-cxr-reports", "mimic-cxr-reports/files"])
def test_reports_are_read_if_their_folder_exists(tmp_path, folder):
    make(tmp_path)
    write_files(tmp_path / folder, {"p10/p10000032/s50000001.txt": "  FINAL REPORT\n Clear lungs.\n"})
    manifest = read_manifest_of(read_images, tmp_path)
    assert manifest["report"].tolist() == ["FINAL REPORT\n Clear lungs."] * 2 + ["", ""]


def test_missing_images_and_tables_are_named(tmp_path):
    make(tmp_path, IMAGES[:-1])
    with pytest.raises(InputError, match=r"s50000003/ccc-1\.jpg"):
        read_manifest_of(read_images, tmp_path)
    assert len(read_manifest_of(read_images, tmp_path, check_files=False)) == 4
    write_files(tmp_path, {"mimic-cxr-2.0.0-chexpert.csv": LABELS + "19999999,50000004,,,,,,,,,,,,,,\n"})
    with pytest.raises(InputError, match="lists study 50000004 twice"):
        read_manifest_of(read_images, tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-split.csv").unlink()
    with pytest.raises(InputError, match=r"-split\.csv"):
        read_manifest_of(read_images, tmp_path)
