import numpy as np
import pandas as pd
import pytest

from cbir.datasets.fingerprints import hash_thumbnails, write_fingerprints
from cbir.datasets.hygiene import count_splits
from cbir.datasets.manifest import complete_manifest
from cbir.datasets.union import unite_datasets, unite_manifests
from cbir.errors import InputError
from miniatures import rows

OPTIONS = {"min_per_label": 1, "duplicates": "report", "near_duplicates": "report"}
DROP = {"duplicates": "drop"}


def member(name, ids, findings, splits):
    images = pd.DataFrame({"image_id": ids, "path": [f"/data/{name}/{i}" for i in ids], "pathology": findings})
    images = images.assign(modality="XR", anatomic_region="chest", split=splits, patient_id="p1", frame=range(len(ids)))
    return complete_manifest(images, name)


def inspected(manifest, hashes):
    """The inspection of a manifest, with the hash of each image id."""
    columns = {"image_id": manifest["image_id"], "readable": True, "reason": ""}
    return pd.DataFrame(columns).assign(pixel_hash=manifest["image_id"].map(hashes))


@pytest.fixture
def members():
    return {
        "nih": member("nih", ["b/1.png", "a.png", "#.png"], ["Edema", "Mass", "Edema"], ["train", "test", "val"]),
        "nih-2": member("nih-2", ["a.png", "z.png"], ["Edema", "Fracture"], ["test", "train"]),
    }


def test_images_keep_label_split_path_and_frame_and_their_ids_begin_with_the_member(members):
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


@pytest.fixture
def overlapping():
    """Two members with one index image per label. A query of `b` has the pixels of an index image of `a`."""
    a = member("a", ["1.png", "2.png", "3.png"], ["Mass", "Mass", "Edema"], ["train", "test", "train"])
    b = member("b", ["1.png", "2.png", "3.png"], ["Mass", "Mass", "Edema"], ["train", "test", "test"])
    a, b = (images.assign(patient_id=images["image_id"]) for images in (a, b))
    hashes = {"1.png": "h1", "2.png": "h2", "3.png": "h3"}, {"1.png": "h4", "2.png": "h5", "3.png": "h1"}
    return {"a": a, "b": b}, {"a": inspected(a, hashes[0]), "b": inspected(b, hashes[1])}


def test_a_union_keeps_all_images_and_their_inspections_where_nothing_is_rare_or_repeated(overlapping):
    images, left_out, inspection = unite_datasets(
        "all", *overlapping, [], **OPTIONS | {"min_per_label": 1, "duplicates": "report"}
    )
    assert images.equals(unite_manifests("all", overlapping[0]))
    assert left_out.empty
    assert rows(inspection, "image_id", "pixel_hash") == [
        *[("a/1.png", "h1"), ("a/2.png", "h2"), ("a/3.png", "h3")],
        *[("b/1.png", "h4"), ("b/2.png", "h5"), ("b/3.png", "h1")],
    ]


def test_an_index_image_that_repeats_a_query_of_another_member_is_left_out_on_request(overlapping):
    images, left_out, inspection = unite_datasets(
        "all", *overlapping, [], **OPTIONS | {"min_per_label": 1, "duplicates": "drop"}
    )
    assert rows(left_out, "image_id", "label", "patient_id", "split", "reason") == [
        ("a/1.png", "XR/chest/Mass", "a/1.png", "train", "same pixels as a query")
    ]
    assert images["image_id"].tolist() == ["a/2.png", "a/3.png", "b/1.png", "b/2.png", "b/3.png"]
    assert list(images.index) == [0, 1, 2, 3, 4]
    assert len(inspection) == 6


def test_a_label_that_is_rare_in_the_index_of_the_union_is_left_out_of_every_split(overlapping):
    images, left_out, _ = unite_datasets(
        "all", *overlapping, [], **OPTIONS | {"min_per_label": 2, "duplicates": "report"}
    )
    assert set(images["label"]) == {"XR/chest/Mass"}  # one image in each member's index, two in that of the union
    assert rows(left_out, "image_id", "reason") == [("a/3.png", "rare label"), ("b/3.png", "rare label")]


def test_a_query_with_a_rare_label_leaves_before_repeats_of_queries_are_looked_for(overlapping):
    manifests, inspections = overlapping
    manifests["b"]["label"] = manifests["b"]["label"].str.replace("Edema", "Mass")
    manifests["b"].loc[2, ["pathology", "label"]] = ["Fracture", "XR/chest/Fracture"]
    images, left_out, _ = unite_datasets(
        "all", manifests, inspections, [], **OPTIONS | {"min_per_label": 2, "duplicates": "drop"}
    )
    assert "a/1.png" in set(images["image_id"])
    assert set(left_out["reason"]) == {"rare label"}


def test_patients_of_queries_leave_the_index_of_a_union_on_request(members):
    images, left_out, _ = unite_datasets(
        "all", members, {}, [], **OPTIONS | {"min_per_label": 1, "duplicates": "report"}
    )
    assert left_out["image_id"].tolist() == ["nih/a.png"]  # its label, Mass, is not in the index
    with pytest.raises(InputError, match="no image is left in the split train"):  # all are images of one patient
        unite_datasets("all", members, {}, [], **OPTIONS | DROP)
    members["nih"]["patient_id"] = members["nih"]["image_id"]
    images, left_out, _ = unite_datasets("all", members, {}, [], **OPTIONS | DROP)
    assert rows(left_out, "image_id", "reason") == [
        ("nih-2/z.png", "patient of a query"),
        ("nih/a.png", "rare label"),
    ]
    assert images["image_id"].tolist() == ["nih-2/a.png", "nih/#.png", "nih/b/1.png"]


def test_members_without_image_files_unite_to_a_dataset_with_unknown_pixels(members):
    _, _, inspection = unite_datasets("all", members, {}, [], **OPTIONS)
    assert inspection["readable"].all()
    assert set(inspection["pixel_hash"]) == {""}


def test_the_table_of_counts_of_a_union_holds_no_images_left_out_by_a_source(overlapping):
    images, left_out, inspection = unite_datasets(
        "all", *overlapping, [], **OPTIONS | {"min_per_label": 1, "duplicates": "drop"}
    )
    counts = count_splits(images, left_out, inspection, [], pd.DataFrame({"reason": [], "images": []}), "all")
    assert rows(counts, "split", "images", "left_out_repeats", "left_out_by_source") == [
        *[("train", 2, 1, 0), ("val", 0, 0, 0), ("test", 3, 0, 0)]
    ]


def test_unknown_patients_of_the_members_stay_patients_of_their_own_in_the_union():
    names = ["a.png", "b.png", "c.png"]
    images = pd.DataFrame({"image_id": names, "path": names, "patient_id": ["NA", "NA", "p1"], "split": "train"})
    images = images.assign(modality="XR", anatomic_region="chest", pathology="Mass")
    united = unite_manifests("all", {name: complete_manifest(images, name) for name in ("nih", "nih-2")})
    own = [f"{name}/{patient}" for name in ("nih-2", "nih") for patient in ("a.png", "b.png", "p1")]
    assert united["patient_id"].tolist() == own


def test_an_index_image_that_looks_like_a_query_of_another_member_is_counted_and_left_out_on_request(
    overlapping, tmp_path
):
    looks = np.random.default_rng(0).integers(0, 256, (5, 32, 32)).astype(np.uint8)
    hashes = hash_thumbnails(looks)

    def write(name, look_of):
        columns = {"pixel_hash": list(look_of), "perceptual_hash": hashes[list(look_of.values())]}
        table = pd.DataFrame(columns | {"thumbnail": [looks[look].tobytes() for look in look_of.values()]})
        write_fingerprints([table], tmp_path / name)
        return tmp_path / name

    # the index image h3 of `a` looks like the query h5 of `b`; h1 has the pixels of a query
    files = [write("a.parquet", {"h1": 1, "h2": 2, "h3": 3}), write("b.parquet", {"h4": 4, "h5": 3, "h1": 1})]
    by_source = pd.DataFrame({"reason": [], "images": []})
    counts = {}
    for choice in ("report", "drop"):
        options = OPTIONS | {"near_duplicates": choice}
        images, left_out, inspection = unite_datasets("all", *overlapping, files, **options)
        counts[choice] = count_splits(images, left_out, inspection, files, by_source, "all")
    columns = ("split", "images", "repeats_of_queries", "near_copies_of_queries", "left_out_near_copies")
    assert rows(counts["report"], *columns)[0] == ("train", 3, 1, 1, 0)
    assert rows(left_out, "image_id", "reason")[0] == ("a/3.png", "near copy of a query")
    assert rows(left_out, "image_id", "reason")[1] == ("b/3.png", "rare label")  # its label is not in the index then
    assert rows(counts["drop"], *columns)[0] == ("train", 2, 0, 0, 1)
