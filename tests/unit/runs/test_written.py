import errno
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.written import set_damaged_aside, written_whole


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "scores/a.csv"
    path.parent.mkdir()
    with written_whole([str(path)], tmp_path):
        path.write_text("k,value\n1,0.5\n")
    return path


def test_what_is_as_it_was_written_stays(written, tmp_path):
    set_damaged_aside(tmp_path)
    assert written.exists()


def test_what_was_truncated_is_set_aside_and_named(written, tmp_path):
    written.write_text("k,value\n")
    with pytest.raises(InputError, match=r"a\.csv: 8 bytes, but 14 when it was written"):
        set_damaged_aside(tmp_path)
    assert not written.exists()
    assert written.with_name("a.csv.damaged").read_text() == "k,value\n"
    set_damaged_aside(tmp_path)


def test_what_was_deleted_is_no_damage(written, tmp_path):
    written.unlink()
    set_damaged_aside(tmp_path)


def test_a_job_that_fails_leaves_no_size(written, tmp_path):
    with pytest.raises(ValueError, match="bad"), written_whole([str(written)], tmp_path):
        written.write_text("k")
        raise ValueError("bad")
    set_damaged_aside(tmp_path)


def test_a_size_that_no_room_was_left_for_is_no_damage(tmp_path, monkeypatch):
    path, write_text = tmp_path / "a.csv", Path.write_text

    def write_nothing(self, text):
        write_text(self, "")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"), written_whole([str(path)], tmp_path):
        path.write_text("k,value\n")
        monkeypatch.setattr(Path, "write_text", write_nothing)
    monkeypatch.undo()
    set_damaged_aside(tmp_path)
    assert path.read_text() == "k,value\n"


def test_a_folder_is_measured_by_all_of_its_files(tmp_path):
    folder = tmp_path / "phantoms"
    with written_whole([str(folder)], tmp_path):
        (folder / "CT").mkdir(parents=True)
        (folder / "CT/1.png").write_bytes(b"12345")
    set_damaged_aside(tmp_path)
    (folder / "CT/1.png").write_bytes(b"123")
    with pytest.raises(InputError, match="phantoms: 3 bytes, but 5"):
        set_damaged_aside(tmp_path)


def test_a_file_outside_the_results_is_let_be(tmp_path):
    weights = tmp_path / "resources/weights.pt"
    weights.parent.mkdir()
    with written_whole([str(weights)], tmp_path / "results"):
        weights.write_bytes(b"123")
    assert not (tmp_path / "results").exists()
