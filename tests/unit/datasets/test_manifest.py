import numpy as np
import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest, read_manifest, read_part, write_manifest
from cbir.errors import InputError


def manifest_of(images: int) -> pd.DataFrame:
    table = pd.DataFrame({"image_id": [f"{number:03d}" for number in range(images)], "path": "a.png"})
    return complete_manifest(table.assign(modality="CT", anatomic_region="head", pathology="normal"), "d")


def test_a_manifest_reads_back_as_it_was_written_and_leaves_no_other_file(tmp_path):
    path, manifest = tmp_path / "d.parquet", manifest_of(5)
    write_manifest(manifest, path)
    pd.testing.assert_frame_equal(read_manifest(path), manifest)
    pd.testing.assert_frame_equal(read_manifest(path, ["label", "path"]), manifest[["label", "path"]])
    assert [file.name for file in tmp_path.iterdir()] == ["d.parquet"]


def test_equal_manifests_are_written_as_equal_bytes(tmp_path):
    for name in ("one.parquet", "two.parquet"):
        write_manifest(manifest_of(50), tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 10, 13])
@pytest.mark.parametrize("images", [1, 10, 23])
def test_the_parts_of_a_manifest_are_those_of_numpy_array_split(tmp_path, images, parts):
    write_manifest(manifest_of(images), tmp_path / "d.parquet")
    expected = np.array_split(np.arange(images), parts)
    for part in range(parts):
        read = read_part(tmp_path / "d.parquet", part, parts, ["image_id"])
        assert read["image_id"].astype(int).tolist() == expected[part].tolist()
        assert list(read.index) == list(range(len(read)))


@pytest.mark.parametrize("column", ["modality", "anatomic_region", "pathology"])
@pytest.mark.parametrize("word", ["NA", "nan", "NaN", "None", "NULL", "<NA>", "n/a"])
def test_a_word_for_a_missing_value_is_no_label(column, word):
    images = manifest_of(3).drop(columns="label").assign(**{column: ["CT", word, word]})
    message = (
        f"^dataset d: 2 rows without {column} \\({word} 2\\); write the real label, or the word unknown:\n  001\n  002$"
    )
    with pytest.raises(InputError, match=message):
        complete_manifest(images, "d")


def test_blank_labels_and_words_for_missing_values_are_counted_together():
    images = manifest_of(4).drop(columns="label").assign(pathology=["", "NA", None, "cyst"])
    with pytest.raises(InputError, match=r"3 rows without pathology \(blank 2, NA 1\)"):
        complete_manifest(images, "d")


def test_unknown_and_none_in_small_letters_are_labels():
    images = manifest_of(2).drop(columns="label").assign(pathology=["unknown", "none"])
    assert complete_manifest(images, "d")["pathology"].tolist() == ["unknown", "none"]


def test_a_truncated_manifest_is_set_aside_and_the_message_says_how_to_make_it_again(tmp_path):
    path = tmp_path / "d.parquet"
    write_manifest(manifest_of(5), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"(?s)d\.parquet: not a manifest.*d\.parquet\.damaged; run the same command"):
        read_manifest(path)
    assert not path.exists()
    assert (tmp_path / "d.parquet.damaged").read_bytes() == whole[:-20]


def test_a_missing_manifest_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path / "d.parquet")
    assert list(tmp_path.iterdir()) == []
