import pytest

from cbir.datasets.sources.radimagenet import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files

LISTED = {
    "train": ["CT/abd/normal/abd-normal000001.png", "MR/af/achilles_pathology_/foot000002.png", "US/gb/gb01.png"],
    "val": ["US/thyroid_nodule/usn000001.PNG", "MR/brain/normal/brain7.png"],
    "test": ["US/fibroid/usn000077.png", "MR/spine/scoliosis/spine01.png"],
}
KEPT = [
    ("CT/abd/normal/abd-normal000001.png", "CT/abd/normal", "train"),
    ("MR/af/achilles_pathology_/foot000002.png", "MR/af/achilles_pathology_", "train"),
    ("MR/brain/normal/brain7.png", "MR/brain/normal", "val"),
    ("MR/spine/scoliosis/spine01.png", "MR/spine/scoliosis", "test"),  # only a test image has this label
    ("US/fibroid/usn000077.png", "US/fibroid/normal", "test"),
    ("US/gb/gb01.png", "US/gb/normal", "train"),
    ("US/thyroid_nodule/usn000001.PNG", "US/thyroid/nodule", "val"),
]


def tables(listed=LISTED):
    return {
        f"RadiologyAI_{split}.csv": "filename,label\n" + "".join(f"radiology_ai/{name} ,x-y\n" for name in names)
        for split, names in listed.items()
    }


def read(root, **options):
    return read_manifest_of(read_images, root, **({"ignore": None} | options))


def make(root):
    images = touch_files(root / "radiology_ai", *(name for names in LISTED.values() for name in names))
    write_files(images, tables())
    return root


def test_labels_come_from_the_path_and_ultrasound_classes_get_a_finding(tmp_path):
    manifest = read(make(tmp_path))
    assert rows(manifest, "image_id", "label", "split") == [(f"radiology_ai/{name}", *rest) for name, *rest in KEPT]
    assert manifest["patient_id"].tolist() == manifest["image_id"].tolist()


def test_root_can_be_the_folder_of_images_or_contain_the_tables_beside_it(tmp_path):
    make(tmp_path)
    assert rows(read(tmp_path / "radiology_ai"), "image_id", "label", "split") == KEPT
    for table in (tmp_path / "radiology_ai").glob("*.csv"):
        table.rename(tmp_path / table.name)
    assert read(tmp_path)["path"].tolist() == [f"{tmp_path}/radiology_ai/{name}" for name, *_ in KEPT]


def test_images_on_the_ignore_list_are_left_out_and_can_be_missing(tmp_path):
    make(tmp_path)
    (tmp_path / "radiology_ai/US/gb/gb01.png").unlink()
    with pytest.raises(InputError, match=r"US/gb/gb01\.png"):
        read(tmp_path)
    write_files(tmp_path, {"ignore_list.txt": "radiology_ai/US/gb/gb01.png\n\n"})
    manifest = read(tmp_path, ignore="ignore_list.txt")
    assert manifest.attrs["left_out"] == {"on the ignore list": 1}
    assert len(manifest) == 6
    with pytest.raises(InputError, match=r"datasets\.mini\.ignore"):
        read(tmp_path, ignore="nowhere.txt")


@pytest.mark.parametrize("name", ["CT/abd/abd01.png", "XR/chest/normal/1.png", "CT/abd/liver/lesion/1.png"])
def test_a_path_without_a_label_is_refused(tmp_path, name):
    write_files(tmp_path, tables(LISTED | {"val": [name]}))
    with pytest.raises(InputError, match=name):
        read(tmp_path, check_files=False)


def test_a_path_that_leaves_the_root_is_refused(tmp_path):
    write_files(tmp_path, tables(LISTED | {"val": ["../../CT/abd/normal/1.png"]}))
    with pytest.raises(InputError, match="leave the root"):
        read(tmp_path, check_files=False)
