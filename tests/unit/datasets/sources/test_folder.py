import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources.folder import read_images
from cbir.errors import InputError


def tree(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def read(root, pattern, **labels):
    return read_images("mine", {"root": str(root), "pattern": pattern, "labels": labels})


def test_labels_patients_and_splits_come_from_the_path(tmp_path):
    root = tree(tmp_path, "train/XR/chest/normal/p1_0.png", "test/US/breast/cyst/p_2_1.PNG", "train/notes.txt")
    images = read(root, "{split}/{modality}/{anatomic_region}/{pathology}/{patient_id}_*.png")
    manifest = complete_manifest(images, "mine").set_index("image_id")
    first, second = manifest.loc["train/XR/chest/normal/p1_0.png"], manifest.loc["test/US/breast/cyst/p_2_1.PNG"]
    assert (first["label"], first["patient_id"], first["split"]) == ("XR/chest/normal", "p1", "train")
    assert (second["label"], second["patient_id"], second["split"]) == ("US/breast/cyst", "p", "test")
    assert first["path"] == f"{root}/train/XR/chest/normal/p1_0.png"


def test_folders_named_as_missing_values_are_unknown_patients_and_refused_as_labels(tmp_path):
    pattern = "{modality}/{anatomic_region}/{pathology}/{patient_id}/*.png"
    root = tree(tmp_path, "CT/head/cyst/NA/1.png", "CT/head/cyst/NA/2.png")
    manifest = complete_manifest(read(root, pattern), "mine")
    assert manifest["patient_id"].tolist() == manifest["image_id"].tolist()
    tree(tmp_path, "CT/head/NA/p1/1.png")
    with pytest.raises(InputError, match=r"1 rows without pathology \(NA 1\).*:\n  CT/head/NA/p1/1\.png"):
        complete_manifest(read(root, pattern), "mine")


def test_labels_that_are_not_in_the_path_are_given_and_other_images_are_counted(tmp_path):
    root = tree(tmp_path, "benign/deep/er/1.jpg", "malignant/2.jpg", "3.jpg", "benign/4 (mask).png")
    images = read(root, "{pathology}/**/*.jpg", modality="US", anatomic_region="breast")
    assert images["pathology"].tolist() == ["benign", "malignant"]
    assert complete_manifest(images, "mine")["label"].tolist() == ["US/breast/benign", "US/breast/malignant"]
    assert images.attrs["left_out"] == {"path does not match the pattern": 2}


def test_special_characters_of_regular_expressions_stand_for_themselves(tmp_path):
    root = tree(tmp_path, "a+b (x)/cyst.png", "aab x/cyst.png")
    images = read(root, "a+b (x)/{pathology}.png", modality="US", anatomic_region="breast")
    assert images["image_id"].tolist() == ["a+b (x)/cyst.png"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{modalty}/{pathology}/*", r"with \{modalty\}"),
        ("{modality/{pathology}/*", "with a brace alone"),
        ("{modality}/{pathology}/*", "anatomic_region is missing"),
        ("{modality}/{anatomic_region}/{pathology}/{pathology}", "pathology is given 2 times"),
        ("{modality}/{anatomic_region}/{pathology}/*.jpg", "none of the 1 images"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(tmp_path, pattern, message):
    tree(tmp_path, "XR/chest/normal/1.png")
    with pytest.raises(InputError, match=message):
        read(tmp_path, pattern)
