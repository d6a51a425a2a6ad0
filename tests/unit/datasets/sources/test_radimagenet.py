import subprocess

import pytest

from cbir import download
from cbir.datasets.sources import radimagenet
from cbir.datasets.sources.radimagenet import read_images
from cbir.errors import InputError
from miniatures import read_manifest_of, rows, touch_files, write_files
from web_server import serve

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


def test_a_list_that_names_no_image_is_refused_with_its_first_lines(tmp_path):
    make(tmp_path)
    write_files(tmp_path, {"mine.txt": "gb01.png\nachilles.png\n"})
    with pytest.raises(
        InputError, match=r"no line of .*mine\.txt .* such as 'radiology_ai/CT/abd/.*:\n  'gb01\.png'\n"
    ):
        read(tmp_path, ignore="mine.txt")


LIST = "radiology_ai/US/gb/gb01.png\nradiology_ai/MR/brain/normal/brain7.png\nradiology_ai/not/in/this/copy.png\n"


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A server with a small list in the place of the study's, whose git blob hash git itself computes."""
    (tmp_path / "published.txt").write_text(LIST)
    command = ["git", "hash-object", str(tmp_path / "published.txt")]
    blob = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setattr(radimagenet, "LIST_BLOB", blob)
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve({"/ignore_list.txt": LIST.encode()}) as server:
        monkeypatch.setattr(radimagenet, "LIST_URL", server.url("/ignore_list.txt"))
        yield server


def test_the_list_of_the_study_is_downloaded_once_and_its_images_are_left_out(tmp_path, published):
    root = make(tmp_path / "data")
    published.breaks = 1
    manifest = read(root, ignore="study")
    assert manifest.attrs["left_out"] == {"on the ignore list": 2}
    assert not set(manifest["image_id"]) & set(LIST.split())
    assert (root / "ignore_list.txt").read_text() == LIST
    assert read(root, ignore="study").equals(manifest)
    assert published.asked == [("GET", 0), ("GET", len(LIST) // 2)]


def test_a_list_of_the_study_that_was_put_there_by_hand_is_used_without_a_network(tmp_path, published):
    root = write_files(make(tmp_path / "data"), {"ignore_list.txt": LIST})
    published.files.clear()
    assert len(read(root, ignore="study")) == 5
    write_files(root, {"ignore_list.txt": LIST + "one more\n"})
    message = rf"{root}/ignore_list\.txt has git blob hash [0-9a-f]{{40}}, not {radimagenet.LIST_BLOB}; delete it"
    with pytest.raises(InputError, match=message):
        read(root, ignore="study")
    assert len(read(root, ignore="./ignore_list.txt")) == 5


def test_another_list_than_the_study_published_is_not_kept(tmp_path, published):
    root = make(tmp_path / "data")
    published.files["/ignore_list.txt"] = b"another\n"
    with pytest.raises(InputError, match=rf"ignore_list\.txt: {published.url('')}/.* has git blob hash .*, not "):
        read(root, ignore="study")
    assert not list(root.glob("*ignore_list*"))


def test_without_a_network_the_address_and_the_place_of_the_list_are_named(tmp_path, monkeypatch):
    root = make(tmp_path / "data")
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    monkeypatch.setattr(radimagenet, "LIST_URL", "http://127.0.0.1:1/ignore_list.txt")
    with pytest.raises(
        InputError, match=rf"^{root}/ignore_list\.txt: can't be fetched from http://127\.0\.0\.1:1/.* by hand$"
    ):
        read(root, ignore="study")


@pytest.mark.parametrize("name", ["CT/abd/abd01.png", "XR/chest/normal/1.png", "CT/abd/liver/lesion/1.png"])
def test_a_path_without_a_label_is_refused(tmp_path, name):
    write_files(tmp_path, tables(LISTED | {"val": [name]}))
    with pytest.raises(InputError, match=name):
        read(tmp_path, check_files=False)


def test_a_path_that_leaves_the_root_is_refused(tmp_path):
    write_files(tmp_path, tables(LISTED | {"val": ["../../CT/abd/normal/1.png"]}))
    with pytest.raises(InputError, match="leave the root"):
        read(tmp_path, check_files=False)
