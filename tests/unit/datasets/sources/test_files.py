import gzip

import pandas as pd
import pytest

from cbir.datasets.sources.files import check_present, dataset_root, find_files, read_csv, read_header, relative_paths
from cbir.errors import InputError


def test_a_missing_root_names_the_key_to_set(tmp_path):
    with pytest.raises(InputError, match=r"datasets\.mine\.root"):
        dataset_root("mine", {"root": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.png", "a/../../x.png", "", ".", "..", "a/.."])
def test_a_path_that_leaves_the_root_is_refused(path):
    with pytest.raises(InputError, match="1 paths are blank or leave the root"):
        relative_paths(pd.Series(["a/b.png", path]), "mine")


def test_paths_are_returned_in_their_plain_form():
    paths = relative_paths(pd.Series(["a/./b//c.png", "a/../b.png", "..hidden/x..png", "./d.png"]), "mine")
    assert paths.tolist() == ["a/b/c.png", "b.png", "..hidden/x..png", "d.png"]


def test_all_missing_files_are_listed_at_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "here.png").touch()
    (tmp_path / "top.png").touch()
    check_present(pd.Series(["a/here.png", "top.png"]), tmp_path, "mine")
    with pytest.raises(InputError, match="3 listed files") as problem:
        check_present(pd.Series(["a/here.png", "a/gone.png", "b/gone.png", "a"]), tmp_path, "mine")
    assert "\n  a/gone.png\n  b/gone.png\n  a" in str(problem.value)


def test_files_are_found_by_extension_in_upper_and_lower_case_and_through_linked_folders(tmp_path):
    outside = tmp_path / "disk"
    outside.mkdir()
    (outside / "x.JPG").touch()
    root = tmp_path / "root"
    (root / "b").mkdir(parents=True)
    for name in ["b/2.png", "b/1.PNG", "notes.txt", "z.jpeg"]:
        (root / name).touch()
    (root / "linked").symlink_to(outside)
    (root / "b" / "loop").symlink_to(root)
    assert find_files(root, "mine").tolist() == ["b/1.PNG", "b/2.png", "linked/x.JPG", "z.jpeg"]


def test_csv_with_byte_order_mark_and_newlines_in_values_is_read_as_trimmed_text_also_gzipped(tmp_path):
    text = '\ufeffname , value,code\r\n007 ,,a\r\n"x\ny","1,5 ",b\r\n'
    (tmp_path / "t.csv").write_bytes(text.encode())
    with gzip.open(tmp_path / "t.csv.gz", "wb") as stream:
        stream.write(text.encode())
    for name in ["t.csv", "t.csv.gz"]:
        table = read_csv(tmp_path / name, "mine", coded=["code"])
        assert table.columns.tolist() == ["name", "value", "code"]
        assert table["name"].tolist() == ["007", "x\ny"]
        assert table["value"].tolist() == ["", "1,5"]
        assert table["code"].cat.categories.tolist() == ["a", "b"]
    assert read_csv(tmp_path / "t.csv", "mine", ["value"]).columns.tolist() == ["value"]


def test_a_csv_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv has no column c, d; its columns are a, b"):
        read_csv(tmp_path / "t.csv", "mine", ["a", "c", "d"])
    (tmp_path / "ragged.csv").write_text("a,b\n1,2,3\n")
    (tmp_path / "latin.csv").write_bytes("a\nMüller\n".encode("latin-1"))
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 9)[:-12])
    for name in ["ragged.csv", "latin.csv", "cut.csv.gz", "absent.csv"]:
        with pytest.raises(InputError, match=name):
            read_csv(tmp_path / name, "mine")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match=r"empty\.csv"):
        read_header(tmp_path / "empty.csv", "mine")
    (tmp_path / "twice.csv").write_text("a,b,a \n1,2,3\n")
    with pytest.raises(InputError, match=r"twice\.csv has column a twice"):
        read_csv(tmp_path / "twice.csv", "mine")


def test_blank_and_repeated_column_names_do_not_matter_if_other_columns_are_read(tmp_path):
    (tmp_path / "t.csv").write_text("a,x,,x,b,\n1,2,3,4,5,\n")
    assert read_csv(tmp_path / "t.csv", "mine", ["b", "a"]).to_dict("records") == [{"b": "5", "a": "1"}]
