import hashlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import cbir
from cbir import download
from cbir.download import check_hash, download_file, hash_file
from cbir.errors import InputError
from web_server import serve

CONTENT = bytes(range(256)) * 40_000  # 10 MB


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve({"/list.txt": CONTENT}) as running:
        yield running


def accept(path):
    """Accept any content."""


def test_hashes_are_those_of_hashlib_and_of_git(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(CONTENT)
    assert hash_file(path, "sha256") == hashlib.sha256(CONTENT).hexdigest()
    assert hash_file(path, "md5") == hashlib.md5(CONTENT).hexdigest()
    of_git = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True)
    assert hash_file(path, "git_blob") == of_git.stdout.strip()


def test_the_git_blob_hash_of_a_known_text_is_the_one_in_the_git_book(tmp_path):
    (tmp_path / "test").write_bytes(b"what is up, doc?")  # Pro Git, chapter 10.2
    assert hash_file(tmp_path / "test", "git_blob") == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"


@pytest.mark.parametrize(("kind", "name"), [("sha256", "SHA-256"), ("md5", "MD5"), ("git_blob", "git blob hash")])
def test_another_hash_is_named_with_the_expected_one_and_the_remedy(tmp_path, kind, name):
    (tmp_path / "a").write_bytes(b"a")
    check_hash(tmp_path / "a", kind, hash_file(tmp_path / "a", kind), "a", "get it again")
    with pytest.raises(InputError, match=f"^the file a has {name} [0-9a-f]+, not 00; get it again$"):
        check_hash(tmp_path / "a", kind, "00", "the file a", "get it again")


def test_a_download_continues_where_an_earlier_one_was_interrupted(tmp_path, server, monkeypatch):
    target = tmp_path / "new/list.txt"
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.breaks = 1
    with pytest.raises(
        InputError, match=rf"^{target}: can't be fetched from {server.url('/list.txt')} \(\d+ of 10240000"
    ):
        download_file(server.url("/list.txt"), target, accept)
    assert not target.exists()
    download_file(server.url("/list.txt"), target, accept)
    assert target.read_bytes() == CONTENT
    assert server.asked == [("GET", 0), ("GET", len(CONTENT) // 2)]
    assert list(target.parent.iterdir()) == [target]


def test_a_file_with_the_wrong_content_and_a_missing_one_leave_nothing_behind(tmp_path, server):
    def refuse(path):
        raise InputError("the wrong content")

    with pytest.raises(InputError, match="the wrong content"):
        download_file(server.url("/list.txt"), tmp_path / "list.txt", refuse)
    with pytest.raises(InputError, match="HTTP Error 404: Not Found"):
        download_file(server.url("/nowhere.txt"), tmp_path / "list.txt", accept)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_unknown_length_is_fetched(tmp_path, server):
    server.tells_length = False
    download_file(server.url("/list.txt"), tmp_path / "list.txt", accept)
    assert (tmp_path / "list.txt").read_bytes() == CONTENT


def test_of_several_processes_that_fetch_a_file_one_downloads_it(tmp_path, server):
    code = "import sys, pathlib; from cbir.download import download_file as get"
    code += "; get(sys.argv[1], pathlib.Path(sys.argv[2]), lambda path: None)"
    command = [sys.executable, "-c", code, server.url("/list.txt"), str(tmp_path / "list.txt")]
    folder = Path(cbir.__file__).parents[1]
    running = [subprocess.Popen(command, cwd=folder) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(server.asked) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_a_process_that_waits_downloads_the_file_if_the_first_one_failed(tmp_path, server):
    target, waiting, checked = tmp_path / "list.txt", threading.Event(), []

    def refuse(path):
        waiting.set()
        time.sleep(0.3)  # the other thread waits for the lock meanwhile
        checked.append("refused")
        raise InputError("the wrong content")

    def fail():
        with pytest.raises(InputError):
            download_file(server.url("/list.txt"), target, refuse)

    first = threading.Thread(target=fail)
    first.start()
    waiting.wait()
    download_file(server.url("/list.txt"), target, lambda path: checked.append("accepted"))
    first.join()
    assert checked == ["refused", "accepted"]
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]
