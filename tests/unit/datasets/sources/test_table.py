import gzip

import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources.table import read_images
from cbir.errors import InputError

ROWS = """image,patient_id,modality,anatomic_region,pathology,split,report,mask,ignored
a/1.png,p1 ,XR,chest,normal,train,"Clear lungs, no effusion.",,x
a/2.png,,US,breast, cyst ,test,,masks/2.png,y
"""
ONE_HOT = """image,XR/chest/Pneumonia,XR/chest/No Finding,US/breast/cyst
1.png,1.0,0.0,0
2.png,,1,-1
3.png,1,1,0
4.png,0,,
5.png,0,0,1
"""


def options(root, **changes):
    return {"root": str(root), "table": "images.csv", "check_files": True} | changes


def write(root, text, images=(), name="images.csv"):
    root.mkdir(exist_ok=True)
    (root / name).write_text(text)
    for image in images:
        (root / image).parent.mkdir(parents=True, exist_ok=True)
        (root / image).touch()
    return root


def test_a_table_becomes_a_manifest(tmp_path):
    root = write(tmp_path / "d", ROWS, ["a/1.png", "a/2.png", "masks/2.png"])
    manifest = complete_manifest(read_images("mine", options(root)), "mine")
    assert manifest["image_id"].tolist() == ["a/1.png", "a/2.png"]
    assert manifest["path"].tolist() == [f"{root}/a/1.png", f"{root}/a/2.png"]
    assert manifest["patient_id"].tolist() == ["p1", "a/2.png"]
    assert manifest["label"].tolist() == ["XR/chest/normal", "US/breast/cyst"]
    assert manifest["split"].tolist() == ["train", "test"]
    assert manifest["report"].tolist() == ["Clear lungs, no effusion.", ""]
    assert manifest["mask"].tolist() == ["", f"{root}/masks/2.png"]


def test_csv_gz_and_parquet_and_a_path_column_give_the_same_images(tmp_path):
    root = write(tmp_path / "d", ROWS)
    expected = read_images("mine", options(root, check_files=False))
    (root / "images.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    table = pd.read_csv(root / "images.csv").rename(columns={"image": "path"})
    table.to_parquet(root / "images.parquet")
    for name in ["images.csv.gz", "images.parquet", str(root / "images.parquet")]:
        read = read_images("mine", options(root, table=name, check_files=False))
        pd.testing.assert_frame_equal(read, expected)


# as write.csv(images, "images.csv", row.names = FALSE) of R writes a data frame with missing values
OF_R = """"image","patient_id","modality","anatomic_region","pathology"
"1.png",NA,"XR","chest",NA
"2.png",NA,"XR","chest","cyst"
"3.png","p1","XR","chest","cyst"
"""


@pytest.mark.parametrize("name", ["images.csv", "images.csv.gz", "images.parquet"])
def test_the_missing_values_of_r_are_unknown_patients_and_refused_as_labels(tmp_path, name):
    def write_as(text):
        root = write(tmp_path, text)
        (root / "images.csv.gz").write_bytes(gzip.compress(text.encode()))
        pd.read_csv(root / "images.csv", keep_default_na=False).to_parquet(root / "images.parquet")

    write_as(OF_R)
    with pytest.raises(
        InputError, match=rf"^dataset mine: {tmp_path}/{name}: 1 rows without pathology \(NA 1\)"
    ) as problem:
        read_images("mine", options(tmp_path, table=name, check_files=False))
    assert str(problem.value).endswith("write the real label, or the word unknown:\n  1.png")
    write_as(OF_R.replace('"chest",NA', '"chest","cyst"'))
    images = read_images("mine", options(tmp_path, table=name, check_files=False))
    assert complete_manifest(images, "mine")["patient_id"].tolist() == ["1.png", "2.png", "p1"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_one_hot_rows_with_exactly_one_positive_are_kept_and_the_others_counted(tmp_path, suffix):
    root = write(tmp_path / "d", ONE_HOT)
    pd.read_csv(root / "images.csv").to_parquet(root / "images.parquet")
    images = read_images("mine", options(root, table=f"images.{suffix}", check_files=False))
    manifest = complete_manifest(images, "mine")
    assert manifest["image_id"].tolist() == ["1.png", "2.png", "5.png"]
    assert manifest["label"].tolist() == ["XR/chest/Pneumonia", "XR/chest/No Finding", "US/breast/cyst"]
    assert manifest.attrs["left_out"] == {"not exactly one positive label": 2}


def test_frames_of_one_file_get_their_own_ids(tmp_path):
    text = "image,frame,modality,anatomic_region,pathology\nv.dcm,0,US,heart,x\nv.dcm,3,US,heart,x\nw.dcm,,US,heart,y\n"
    root = write(tmp_path / "d", text)
    manifest = complete_manifest(read_images("mine", options(root, check_files=False)), "mine")
    assert manifest["image_id"].tolist() == ["v.dcm#0", "v.dcm#3", "w.dcm"]
    assert manifest["frame"].tolist() == [0, 3, 0]
    write(root, text.replace("3", "-1"))
    with pytest.raises(InputError, match="frame counts from 0"):
        read_images("mine", options(root, check_files=False))


def test_missing_images_and_masks_are_listed_together(tmp_path):
    root = write(tmp_path / "d", ROWS, ["a/1.png"])
    with pytest.raises(InputError, match="2 listed files") as problem:
        read_images("mine", options(root))
    assert "a/2.png" in str(problem.value)
    assert "masks/2.png" in str(problem.value)


@pytest.mark.parametrize("column", ["a/1.png", "masks/2.png"])
def test_an_image_or_mask_outside_the_root_is_refused(tmp_path, column):
    root = write(tmp_path / "d", ROWS.replace(column, "../secret.png"))
    with pytest.raises(InputError, match=r"'\.\./secret\.png'"):
        read_images("mine", options(root, check_files=False))


def test_a_missing_table_and_one_without_images_or_labels_are_refused(tmp_path):
    root = write(tmp_path / "d", "file,pathology\nx,y\n")
    with pytest.raises(InputError, match=r"datasets\.mine\.table"):
        read_images("mine", options(root, table="other.csv"))
    with pytest.raises(InputError, match="no column image"):
        read_images("mine", options(root))
    write(root, "image,pathology\nx,y\n")
    with pytest.raises(InputError, match="no column modality, anatomic_region"):
        read_images("mine", options(root))
    write(root, "no parquet", name="images.parquet")
    with pytest.raises(InputError, match=r"images\.parquet as Parquet"):
        read_images("mine", options(root, table="images.parquet"))
