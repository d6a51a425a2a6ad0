import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.union import unite_manifests
from cbir.errors import InputError
from miniatures import rows


def member(name, ids, findings, splits):
    images = pd.DataFrame({"image_id": ids, "path": [f"/data/{name}/{i}" for i in ids], "pathology": findings})
    images = images.assign(modality="XR", anatomic_region="chest", split=splits, patient_id="p1", frame=range(len(ids)))
    return complete_manifest(images, name)


@pytest.fixture
def members():
    return {
        "nih": member("nih", ["b/1.png", "a.png", "#.png"], ["Edema", "Mass", "Edema"], ["train", "test", "val"]),
        "nih-2": member("nih-2", ["a.png", "z.png"], ["Edema", "Fracture"], ["test", "train"]),
    }


def test_images_keep_label_split_path_and_frame_and_get_their_members_name(members):
    united = unite_manifests("all", members)
    assert rows(united, "image_id", "patient_id", "label", "split", "path", "frame") == [
        ("nih-2/a.png", "nih-2/p1", "XR/chest/Edema", "test", "/data/nih-2/a.png", 0),
        ("nih-2/z.png", "nih-2/p1", "XR/chest/Fracture", "train", "/data/nih-2/z.png", 1),
        ("nih/#.png", "nih/p1", "XR/chest/Edema", "val", "/data/nih/#.png", 2),
        ("nih/a.png", "nih/p1", "XR/chest/Mass", "test", "/data/nih/a.png", 1),
        ("nih/b/1.png", "nih/p1", "XR/chest/Edema", "train", "/data/nih/b/1.png", 0),
    ]


def test_a_union_of_one_member_is_refused(members):
    with pytest.raises(InputError, match=r"datasets\.all\.members"):
        unite_manifests("all", {"nih": members["nih"]})
