import pytest

from cbir.datasets.sources.nih14 import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

# as published, the header has commas inside brackets, and all lines end in a comma
ENTRIES = """Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,\
OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],
00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,
00000001_001.png,Cardiomegaly|Emphysema,1,1,058Y,M,PA,2894,2729,0.143,0.143,
00000002_000.png,No Finding ,0,2,081Y,M,PA,2500,2048,0.171,0.171,
00000003_000.png,Effusion,0,3,074Y,F,PA,2500,2048,0.168,0.168,
00000003_001.PNG,Pleural_Thickening,1,3,075Y,F,PA,2500,2048,0.168,0.168,
00000004_000.png,Hernia,0,4,075Y,F,PA,2500,2048,0.168,0.168,
"""
IMAGES = [
    "images_001/images/00000001_000.png",
    "images_001/images/00000001_001.png",
    "images_002/images/00000002_000.png",
    "images_002/images/00000003_000.png",
    "images_012/images/00000003_001.PNG",
    "images_012/images/00000004_000.png",
]


def make(root, entries=ENTRIES, images=IMAGES):
    touch_files(root, *images)
    return write_files(
        root,
        {
            "Data_Entry_2017_v2020.csv": entries,
            "train_val_list.txt": "00000001_000.png\n00000001_001.png \n00000002_000.png\n00000003_000.png",
            "test_list.txt": "00000003_001.PNG\r\n",
        },
    )


def test_images_of_one_finding_are_kept_with_unified_names_and_official_splits(tmp_path):
    manifest = read_manifest_of(read_images, make(tmp_path))
    assert rows(manifest, "image_id", "patient_id", "label", "split") == [
        ("images_001/images/00000001_000.png", "1", "XR/chest/Cardiomegaly", "trainval"),
        ("images_002/images/00000002_000.png", "2", "XR/chest/No Finding", "trainval"),
        # a patient in both official lists and a label that only test images have are kept
        ("images_002/images/00000003_000.png", "3", "XR/chest/Pleural Effusion", "trainval"),
        ("images_012/images/00000003_001.PNG", "3", "XR/chest/Pleural Thickening", "test"),
    ]
    assert manifest["path"].tolist() == [f"{tmp_path}/{image}" for image in manifest["image_id"]]
    assert manifest.attrs["left_out"] == {"in neither official list": 1, "not exactly one finding": 1}


def test_images_are_also_found_in_one_folder(tmp_path):
    flat = ["images/" + image.rpartition("/")[2] for image in IMAGES]
    manifest = read_manifest_of(read_images, make(tmp_path, images=flat))
    assert manifest["image_id"].tolist() == [flat[0], flat[2], flat[3], flat[4]]


def test_a_missing_image_is_named_unless_files_are_not_checked(tmp_path):
    make(tmp_path, images=IMAGES[:3])
    with pytest.raises(InputError, match="2 listed files") as problem:
        read_manifest_of(read_images, tmp_path)
    assert "00000003_000.png" in str(problem.value)
    assert len(read_manifest_of(read_images, tmp_path, check_files=False)) == 4


def test_an_image_listed_twice_is_refused(tmp_path):
    make(tmp_path, entries=ENTRIES + "00000002_000.png,No Finding,0,2,081Y,M,PA,2500,2048,0.171,0.171,\n")
    with pytest.raises(InputError, match="1 repeated"):
        read_manifest_of(read_images, tmp_path)


def test_an_unknown_finding_or_a_missing_list_is_refused(tmp_path):
    make(tmp_path, entries=ENTRIES.replace("Effusion", "Efusion"))
    with pytest.raises(InputError, match="'Efusion'"):
        read_manifest_of(read_images, tmp_path)
    (tmp_path / "test_list.txt").unlink()
    with pytest.raises(InputError, match=r"no test_list\.txt under .* set datasets\.mini\.root"):
        read_manifest_of(read_images, tmp_path)
