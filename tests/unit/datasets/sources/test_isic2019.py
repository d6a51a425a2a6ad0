import pytest

from cbir.datasets.sources.isic2019 import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

HEADER = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
TRAINING = f"""{HEADER}
ISIC_0000000,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
ISIC_0000001_downsampled,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
ISIC_0000002,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
ISIC_0000003,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
"""
METADATA = """image,age_approx,anatom_site_general,lesion_id,sex
ISIC_0000000,55.0,anterior torso,,female
ISIC_0000001_downsampled,30.0,anterior torso,BCN_0000001,female
ISIC_0000002,30.0,anterior torso,BCN_0000001 ,female
ISIC_0000003,,,,
"""
TEST = f"""{HEADER},score_weight,validation_weight
ISIC_0034321,0,0,0,0,0,0,0,0,1,0.5,1.0
"""
KEPT = [
    ("ISIC_2019_Training_Input/ISIC_0000000.jpg", "ISIC_2019_Training_Input/ISIC_0000000.jpg", "Melanocytic nevus"),
    ("ISIC_2019_Training_Input/ISIC_0000001_downsampled.JPG", "BCN_0000001", "Melanoma"),
    ("ISIC_2019_Training_Input/ISIC_0000002.jpg", "BCN_0000001", "Melanoma"),
]


def make(root):
    images = ["ISIC_0000000.jpg", "ISIC_0000001_downsampled.JPG", "ISIC_0000002.jpg", "ISIC_0000003.jpg"]
    touch_files(root / "ISIC_2019_Training_Input", *images, "ATTRIBUTION.txt")
    return write_files(
        root, {"ISIC_2019_Training_GroundTruth.csv": TRAINING, "ISIC_2019_Training_Metadata.csv": METADATA}
    )


def test_images_come_with_their_diagnosis_and_stay_with_their_lesion(tmp_path):
    manifest = read_manifest_of(read_images, make(tmp_path))
    assert rows(manifest, "image_id", "patient_id", "pathology") == KEPT
    assert set(manifest["split"]) == {""}
    assert set(manifest["modality"] + "/" + manifest["anatomic_region"]) == {"DMS/skin"}
    assert manifest.attrs["left_out"] == {"not exactly one diagnosis": 1}


def test_the_published_test_set_is_the_test_split(tmp_path):
    make(tmp_path)
    touch_files(tmp_path / "ISIC_2019_Test_Input", "ISIC_0034321.jpg")
    write_files(tmp_path, {"ISIC_2019_Test_GroundTruth.csv": TEST})
    test = "ISIC_2019_Test_Input/ISIC_0034321.jpg"
    manifest = read_manifest_of(read_images, tmp_path)
    # no training image has its label "Unknown"
    assert rows(manifest, "image_id", "patient_id", "pathology", "split") == [
        (test, test, "Unknown", "test"),
        *((*row, "trainval") for row in KEPT),
    ]


def test_missing_images_and_tables_are_named(tmp_path):
    make(tmp_path)
    (tmp_path / "ISIC_2019_Training_Input/ISIC_0000002.jpg").unlink()
    with pytest.raises(InputError, match=r"ISIC_0000002\.jpg"):
        read_manifest_of(read_images, tmp_path)
    (tmp_path / "ISIC_2019_Training_Metadata.csv").unlink()
    with pytest.raises(InputError, match=r"no ISIC_2019_Training_Metadata\.csv"):
        read_manifest_of(read_images, tmp_path)
