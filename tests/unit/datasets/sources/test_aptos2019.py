import pytest

from cbir.datasets.sources.aptos2019 import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

TRAIN = "id_code,diagnosis\n000c1434d8d7,2\n001639a390f0 ,4\nffec9a18a3ce,0\n"


def make(root):
    touch_files(root / "train_images", "000c1434d8d7.png", "001639a390f0.PNG", "ffec9a18a3ce.png")
    return write_files(root, {"train.csv": TRAIN, "test.csv": "id_code\n0005cfc8afb6\n"})


def test_the_labelled_images_come_with_their_grade(tmp_path):
    manifest = read_manifest_of(read_images, make(tmp_path))
    assert rows(manifest, "image_id", "patient_id", "label", "split") == [
        (f"train_images/{name}", f"train_images/{name}", f"OP/retina/{grade}", "")
        for name, grade in [
            ("000c1434d8d7.png", "Moderate DR"),
            ("001639a390f0.PNG", "Proliferative DR"),
            ("ffec9a18a3ce.png", "No DR"),
        ]
    ]


def test_missing_images_and_wrong_grades_are_named(tmp_path):
    make(tmp_path)
    (tmp_path / "train_images/ffec9a18a3ce.png").unlink()
    with pytest.raises(InputError, match=r"train_images/ffec9a18a3ce\.png"):
        read_manifest_of(read_images, tmp_path)
    assert len(read_manifest_of(read_images, tmp_path, check_files=False)) == 3
    write_files(tmp_path, {"train.csv": TRAIN.replace(",2", ",5")})
    with pytest.raises(InputError, match="must be 0 to 4; correct these values:\n  '5'"):
        read_manifest_of(read_images, tmp_path)
