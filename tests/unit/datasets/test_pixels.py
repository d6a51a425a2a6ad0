import pandas as pd

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.pixels import distinct_pixels
from miniatures import rows


def dataset(images: list[tuple]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A manifest and its inspection from (image id, path, frame, hash) rows; an image without a hash is unreadable."""
    table = pd.DataFrame(images, columns=["image_id", "path", "frame", "pixel_hash"])
    manifest = complete_manifest(table.assign(modality="CT", anatomic_region="head", pathology="normal"), "d")
    inspection = table.sort_values("image_id")[["image_id", "pixel_hash"]]
    return manifest, inspection.assign(readable=inspection["pixel_hash"] != "", file_state="9 bytes")


def test_each_distinct_picture_is_listed_once_with_the_first_image_that_shows_it():
    images = [("c", "c.png", 0, "h1"), ("a", "a.dcm", 3, "h2"), ("d", "d.png", 0, "h2"), ("b", "b.png", 0, "h1")]
    pictures = distinct_pixels(*dataset(images))
    assert rows(pictures, "pixel_hash", "path", "frame") == [("h2", "a.dcm", 3), ("h1", "b.png", 0)]
    assert list(pictures.columns) == ["pixel_hash", "path", "frame", "file_state"]
    assert pictures["frame"].dtype == "int32"
    assert list(pictures.index) == [0, 1]


def test_unreadable_images_show_no_picture():
    pictures = distinct_pixels(*dataset([("a", "a.png", 0, ""), ("b", "b.png", 0, "h1"), ("c", "c.png", 0, "")]))
    assert rows(pictures, "pixel_hash", "path") == [("h1", "b.png")]


def test_pictures_depend_neither_on_labels_nor_splits_nor_the_order_of_the_inspection():
    manifest, inspection = dataset([("a", "a.png", 0, "h1"), ("b", "b.png", 0, "h2"), ("c", "c.png", 0, "h1")])
    pictures = distinct_pixels(manifest, inspection)
    relabelled = manifest.assign(label="CT/head/tumour", split=["train", "test", "val"])
    assert distinct_pixels(relabelled, inspection[::-1]).equals(pictures)


def test_images_that_are_inspected_but_not_in_the_manifest_are_not_listed():
    manifest, inspection = dataset([("a", "a.png", 0, "h1"), ("b", "b.png", 0, "h2"), ("c", "c.png", 0, "h1")])
    pictures = distinct_pixels(manifest[1:].reset_index(drop=True), inspection)
    assert rows(pictures, "pixel_hash", "path") == [("h2", "b.png"), ("h1", "c.png")]
