import numpy as np
import pandas as pd
import pytest

from cbir.datasets.fingerprints import hash_thumbnails, write_fingerprints
from cbir.datasets.hygiene import count_splits, prepare_dataset, take_as_readable
from cbir.datasets.manifest import complete_manifest
from cbir.errors import InputError

OPTIONS = {
    "shares": {"train": 0.5, "test": 0.5},
    "min_per_label": 1,
    "unreadable": "fail",
    "duplicates": "report",
    "near_duplicates": "report",
    "seed": 0,
}
BY_SOURCE = pd.DataFrame({"reason": ["several findings"], "images": [7]})


def dataset(rows: list[tuple]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A manifest and its inspection from rows of (image, patient, pathology, split, pixel hash or None)."""
    images = pd.DataFrame(rows, columns=["image_id", "patient_id", "pathology", "split", "pixels"])
    images = images.assign(path=images["image_id"], modality="CT", anatomic_region="head")
    manifest = complete_manifest(images, "d")
    inspection = images.sort_values("image_id", ignore_index=True)
    return manifest, pd.DataFrame(
        {
            "image_id": inspection["image_id"],
            "readable": inspection["pixels"].notna(),
            "reason": "truncated",
            "pixel_hash": inspection["pixels"].fillna(""),
        }
    )


OFFICIAL = [
    ("a.png", "p1", "x", "train", "A"),
    ("b.png", "p2", "x", "train", "B"),
    ("c.png", "p3", "x", "train", "Q"),
    ("d.png", "p9", "x", "train", "D"),
    ("q.png", "p8", "x", "test", "Q"),
    ("r.png", "p9", "x", "test", "R"),
]


def test_all_unreadable_images_are_refused_in_one_message():
    manifest, inspection = dataset([*OFFICIAL, ("e.png", "p5", "x", "train", None), ("f.png", "p6", "x", "val", None)])
    with pytest.raises(InputError, match=r"(?s)2 of 8 images.*unreadable: drop.*e.png: truncated.*f.png: truncated"):
        prepare_dataset(manifest, inspection, [], "d", **OPTIONS)


def test_unreadable_images_are_left_out_and_counted_on_request():
    manifest, inspection = dataset([*OFFICIAL, ("e.png", "p5", "x", "train", None)])
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS | {"unreadable": "drop"})
    assert "e.png" not in set(images["image_id"])
    assert left_out[["image_id", "split", "reason"]].to_numpy().tolist() == [["e.png", "train", "unreadable"]]
    counts = count_splits(images, left_out, inspection, [], BY_SOURCE, "d").set_index("split")
    assert counts.loc["train", "left_out_unreadable"] == 1
    assert counts.loc["test", "left_out_unreadable"] == 0
    assert counts.loc["not split", "left_out_by_source"] == 7


def test_repeated_pixels_and_shared_patients_are_counted_and_stay():
    manifest, inspection = dataset(OFFICIAL)
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS)
    assert len(images) == 6
    assert left_out.empty
    train = count_splits(images, left_out, inspection, [], BY_SOURCE, "d").set_index("split").loc["train"]
    assert (train["images"], train["patients"], train["labels"]) == (4, 4, 1)
    assert (train["repeats_of_queries"], train["images_of_query_patients"]) == (1, 1)


def test_repeated_pixels_and_shared_patients_leave_the_index_on_request():
    manifest, inspection = dataset(OFFICIAL)
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS | {"duplicates": "drop"})
    assert images.loc[images["split"] == "train", "image_id"].tolist() == ["a.png", "b.png"]
    assert dict(zip(left_out["image_id"], left_out["reason"], strict=True)) == {
        "c.png": "same pixels as a query",
        "d.png": "patient of a query",
    }


def test_a_label_of_queries_only_is_left_out_and_counted():
    manifest, inspection = dataset([*OFFICIAL, ("t.png", "p7", "only tested", "test", "T")])
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS)
    assert "t.png" not in set(images["image_id"])
    counts = count_splits(images, left_out, inspection, [], BY_SOURCE, "d").set_index("split")
    assert counts.loc["test", "left_out_rare_label"] == 1


def test_a_label_below_min_per_label_in_the_index_is_left_out_of_every_split():
    rows = [("u.png", "p6", "y", "train", "U"), ("v.png", "p7", "y", "test", "V")]
    manifest, inspection = dataset([*OFFICIAL, *rows])
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS | {"min_per_label": 2})
    assert set(left_out["image_id"]) == {"u.png", "v.png"}
    assert set(images["label"]) == {"CT/head/x"}


def test_labels_of_one_image_are_left_out_before_the_split_if_min_per_label_is_two():
    rows = [(f"{number}.png", f"p{number}", "x", "", str(number)) for number in range(8)]
    manifest, inspection = dataset([*rows, ("lone.png", "p", "lone", "", "L")])
    images, left_out = prepare_dataset(manifest, inspection, [], "d", **OPTIONS | {"min_per_label": 2})
    assert left_out["image_id"].tolist() == ["lone.png"]
    assert (images["split"] == "train").sum() == 4


def test_rows_stay_in_the_order_of_image_ids():
    manifest, inspection = dataset(OFFICIAL[::-1])
    images, _ = prepare_dataset(manifest, inspection, [], "d", **OPTIONS | {"duplicates": "drop"})
    assert images["image_id"].is_monotonic_increasing
    assert list(images.index) == list(range(len(images)))


def test_a_split_without_images_is_refused():
    manifest, inspection = dataset([row for row in OFFICIAL if row[3] == "train"])
    with pytest.raises(InputError, match="no image is left in the split test"):
        prepare_dataset(manifest, inspection, [], "d", **OPTIONS)


def test_images_with_unknown_pixels_are_no_repeats():
    images, _ = dataset(OFFICIAL)
    inspection = take_as_readable(images)
    kept, left_out = prepare_dataset(images, inspection, [], "d", **OPTIONS | {"duplicates": "drop"})
    assert "same pixels as a query" not in set(left_out["reason"])
    assert not count_splits(kept, left_out, inspection, [], BY_SOURCE, "d")["repeats_of_queries"].any()


def write_looks(path, looks: dict[str, int]):
    """Fingerprints of pictures by their pixel hash; pictures of the same look are near copies of each other."""
    seeds = [np.random.default_rng(look).integers(0, 256, (32, 32)).astype(np.uint8) for look in looks.values()]
    hashes, thumbnails = hash_thumbnails(np.array(seeds)), [seed.tobytes() for seed in seeds]
    table = pd.DataFrame({"pixel_hash": list(looks), "perceptual_hash": hashes, "thumbnail": thumbnails})
    write_fingerprints([table], path)
    return path


@pytest.fixture
def looks(tmp_path):
    """b.png looks like the query q.png, c.png has its pixels, d.png looks like the query r.png of its patient."""
    return [write_looks(tmp_path / "looks.parquet", {"A": 1, "B": 2, "Q": 2, "D": 3, "R": 3, "V": 2})]


def test_near_copies_of_queries_are_counted_without_those_of_equal_pixels_and_stay(looks):
    manifest, inspection = dataset([*OFFICIAL, ("v.png", "p7", "x", "val", "V")])
    images, left_out = prepare_dataset(manifest, inspection, looks, "d", **OPTIONS)
    assert len(images) == 7
    counts = count_splits(images, left_out, inspection, looks, BY_SOURCE, "d").set_index("split")
    assert counts["repeats_of_queries"].to_dict() == {"train": 1, "val": 0, "test": 0, "not split": 0}
    assert counts["near_copies_of_queries"].to_dict() == {"train": 2, "val": 0, "test": 0, "not split": 0}
    assert not counts["left_out_near_copies"].any()


def test_near_copies_of_queries_leave_the_index_on_request_and_a_second_run_leaves_out_no_more(looks):
    manifest, inspection = dataset(OFFICIAL)
    options = OPTIONS | {"near_duplicates": "drop"}
    images, left_out = prepare_dataset(manifest, inspection, looks, "d", **options)
    assert images.loc[images["split"] == "train", "image_id"].tolist() == ["a.png", "c.png"]
    assert left_out[["image_id", "split", "reason"]].to_numpy().tolist() == [
        ["b.png", "train", "near copy of a query"],
        ["d.png", "train", "near copy of a query"],
    ]
    train = count_splits(images, left_out, inspection, looks, BY_SOURCE, "d").set_index("split").loc["train"]
    assert (train["near_copies_of_queries"], train["left_out_near_copies"], train["repeats_of_queries"]) == (0, 2, 1)
    again, none = prepare_dataset(images, inspection, looks, "d", **options)
    assert again.equals(images)
    assert none.empty


def test_an_image_that_leaves_the_index_has_one_reason(looks):
    manifest, inspection = dataset(OFFICIAL)
    options = OPTIONS | {"duplicates": "drop", "near_duplicates": "drop"}
    _, left_out = prepare_dataset(manifest, inspection, looks, "d", **options)
    assert dict(zip(left_out["image_id"], left_out["reason"], strict=True)) == {
        "b.png": "near copy of a query",
        "c.png": "same pixels as a query",
        "d.png": "patient of a query",
    }
    assert len(left_out) == 3


def test_images_with_unknown_pixels_are_no_near_copies():
    images, _ = dataset(OFFICIAL)
    inspection = take_as_readable(images)
    kept, left_out = prepare_dataset(images, inspection, [], "d", **OPTIONS | {"near_duplicates": "drop"})
    assert left_out.empty
    assert not count_splits(kept, left_out, inspection, [], BY_SOURCE, "d")["near_copies_of_queries"].any()
