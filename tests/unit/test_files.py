import errno
import subprocess
import sys

import pytest

from cbir.files import delete_partial_files, set_aside, whole_file


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new folder" / "a.npy"
    with whole_file(path) as partial:
        partial.write_bytes(b"half")
        assert not path.exists()
        assert partial.suffix == ".npy"
    assert path.read_bytes() == b"half"
    assert [path] == list(path.parent.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left"), whole_file(path) as partial:
        partial.write_text("new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())


def test_two_processes_write_the_same_file_without_disturbing_each_other(tmp_path):
    path = tmp_path / "a.txt"
    code = f"from cbir.files import whole_file\nwith whole_file({str(path)!r}) as partial: partial.write_text('other')"
    with whole_file(path) as partial:
        partial.write_text("mine")
        subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": sys.path[0] and ":".join(sys.path)})
        assert path.read_text() == "other"
    assert path.read_text() == "mine"


def test_what_a_killed_process_left_is_deleted(tmp_path):
    folder = tmp_path / "scores"
    folder.mkdir()
    code = f"""
import os
from cbir.files import whole_file
with whole_file({str(folder / "a.csv")!r}) as partial:
    partial.write_text("half")
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)})
    (folder / "b.csv").touch()
    assert len(list(folder.iterdir())) == 2
    delete_partial_files(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["b.csv"]


def test_a_damaged_file_is_renamed_and_the_error_names_both(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"half")
    error = set_aside(path, "cut\n short")
    assert str(error).startswith(f"{path}: cut short. The file is now a.npy.damaged; run the same command again")
    assert [found.name for found in tmp_path.iterdir()] == ["a.npy.damaged"]
    assert "cut short" in str(set_aside(path, "cut short"))  # another job was faster


def test_a_folder_is_never_set_aside(tmp_path):
    with pytest.raises(ValueError, match="only files are set aside"):
        set_aside(tmp_path, "not a file of results")
    assert tmp_path.is_dir()
