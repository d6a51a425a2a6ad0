"""The vector store: what is known of an image, whatever its path, label or split."""

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from cbir.embeddings.vectors import (
    append_vectors,
    find_vectors,
    join_embeddings,
    list_segments,
    name_store,
    open_segment,
    pixel_keys,
)
from cbir.encoders.fingerprint import fingerprint
from cbir.errors import InputError

SETTING = {"device": "cpu", "precision": "float32", "batch_size": 2, "threads": 1}
PROVENANCE = {"model": {"dimensions": 3}, "device": "cpu"}
STORE = name_store(PROVENANCE)


def hashes(*names):
    return [hashlib.blake2b(name.encode(), digest_size=16).hexdigest() for name in names]


def vector(name):
    numbers = np.frombuffer(name.encode().ljust(3, b"1")[:3], np.uint8).astype(np.float32)
    return numbers / np.linalg.norm(numbers)


def vectors(*names):
    return np.stack([vector(name) for name in names])


def norm(name):
    return sum(name.encode())


def norms(*names):
    return np.array([norm(name) for name in names], np.float32)


def fill(store, *names):
    with append_vectors(store, 3, SETTING) as append:
        append(pixel_keys(hashes(*names)), vectors(*names), norms(*names))


def write_record(path, **provenance):
    path.write_text(json.dumps({"provenance": PROVENANCE | provenance}))
    return path


def test_an_image_is_found_by_its_pixels_in_any_segment(tmp_path):
    fill(tmp_path, "a", "b")
    fill(tmp_path, "c")
    segment, record = find_vectors(tmp_path, 3, pixel_keys(hashes("c", "x", "b", "a", "b")))
    assert segment.tolist() == [1, -1, 0, 0, 0]
    assert record.tolist() == [0, -1, 1, 0, 1]


def test_an_empty_store_knows_nothing(tmp_path):
    segment, record = find_vectors(tmp_path / "none", 3, pixel_keys(hashes("a", "b")))
    assert segment.tolist() == record.tolist() == [-1, -1]


def test_a_record_takes_four_bytes_beside_the_pixels_and_the_vector(tmp_path):
    fill(tmp_path, "a", "b")
    (segment,) = list_segments(tmp_path)
    assert segment.stat().st_size == 2 * (16 + 3 * 4 + 4)
    np.testing.assert_array_equal(open_segment(segment, 3)["norm"], norms("a", "b"))


def test_a_store_of_records_with_another_layout_has_another_name():
    """Records without norms were in a folder named by the fingerprint of what the vectors depend on."""
    assert name_store(PROVENANCE) != fingerprint(PROVENANCE)
    assert name_store(PROVENANCE) != name_store(PROVENANCE | {"device": "cuda"})
    assert name_store(PROVENANCE) == name_store(json.loads(json.dumps(PROVENANCE)))


def test_keys_that_end_in_zeros_are_told_apart():
    ends = ["00" * 16, "00" * 15 + "01", "01" + "00" * 15, "01" + "00" * 14 + "01"]
    assert len(np.unique(pixel_keys(ends))) == 4


def test_embeddings_follow_the_hashes_whatever_the_order_of_the_store(tmp_path):
    fill(tmp_path / "vectors" / STORE, "a", "b")
    fill(tmp_path / "vectors" / STORE, "c")
    record = write_record(tmp_path / "0-of-1.json")
    wanted = "c", "a", "c", "b"
    provenance, cost, found = join_embeddings(hashes(*wanted), [record], tmp_path / "vectors", tmp_path / "e.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), vectors(*wanted))
    np.testing.assert_array_equal(found, norms(*wanted), strict=True)
    assert provenance == PROVENANCE
    assert cost["images"].item() == 3
    assert (cost["device"].item(), cost["threads"].item(), cost["bytes_per_image"].item()) == ("cpu", "1", 12)


def test_blocks_change_nothing(tmp_path, monkeypatch):
    names = [f"{number:03}" for number in range(50)]
    fill(tmp_path / "vectors" / STORE, *names[:20])
    fill(tmp_path / "vectors" / STORE, *names[20:])
    monkeypatch.setattr("cbir.embeddings.vectors.BLOCK", 21)  # seven rows of three numbers
    order = np.random.default_rng(0).permutation(50)
    wanted = [names[place] for place in order]
    record = write_record(tmp_path / "r.json")
    _, _, found = join_embeddings(hashes(*wanted), [record], tmp_path / "vectors", tmp_path / "e.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), vectors(*wanted))
    np.testing.assert_array_equal(found, norms(*wanted))


def test_a_killed_process_leaves_whole_records_that_count(tmp_path):
    code = f"""
import os, signal
import numpy as np
from pathlib import Path
from cbir.embeddings.vectors import append_vectors, pixel_keys
with append_vectors(Path({str(tmp_path)!r}), 3, {SETTING!r}) as append:
    append(pixel_keys({hashes("a", "b")!r}), np.array({vectors("a", "b").tolist()!r}, np.float32), np.ones(2))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=os.environ | {"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == -signal.SIGKILL
    (segment,) = list_segments(tmp_path)
    segment.write_bytes(segment.read_bytes() + b"half of a record")
    assert find_vectors(tmp_path, 3, pixel_keys(hashes("b", "c")))[1].tolist() == [1, -1]
    assert json.loads(segment.with_suffix(".json").read_text())["images"] == 2


def test_missing_vectors_are_told_and_their_jobs_start_again(tmp_path):
    fill(tmp_path / "vectors" / STORE, "a")
    record = write_record(tmp_path / "r.json")
    with pytest.raises(InputError, match="no vector of 1 of 2 images; run again"):
        join_embeddings(hashes("a", "b"), [record], tmp_path / "vectors", tmp_path / "e.npy")
    assert not record.exists()
    assert not (tmp_path / "e.npy").exists()


@pytest.mark.parametrize("end", [b"\0" * 16, b"\0" * 4, b"\0\0\x80\x7f"], ids=["zeros", "norm zero", "norm inf"])
def test_a_damaged_segment_is_set_aside_and_its_jobs_start_again(tmp_path, end):
    fill(tmp_path / "vectors" / STORE, "a", "b")
    (segment,) = list_segments(tmp_path / "vectors" / STORE)
    content = segment.read_bytes()
    segment.write_bytes(content[: -len(end)] + end)
    record = write_record(tmp_path / "r.json")
    with pytest.raises(InputError, match=rf"{segment.name}: a vector that is not of unit norm.*damaged"):
        join_embeddings(hashes("a", "b"), [record], tmp_path / "vectors", tmp_path / "e.npy")
    assert list_segments(tmp_path / "vectors" / STORE) == []
    assert not record.exists()


def test_parts_that_ran_on_different_devices_are_refused(tmp_path):
    records = [write_record(tmp_path / "0.json"), write_record(tmp_path / "1.json", device="cuda")]
    with pytest.raises(
        InputError, match=r"embedded with another device; run again .* set embedding.device to one device"
    ):
        join_embeddings(hashes("a"), records, tmp_path / "vectors", tmp_path / "e.npy")
    assert not any(record.exists() for record in records)


def test_a_damaged_record_is_set_aside(tmp_path):
    path = tmp_path / "0.json"
    path.write_text('{"fingerprint": "a')
    with pytest.raises(InputError, match=r"0\.json: no record of an embedding job"):
        join_embeddings(hashes("a"), [path], tmp_path, tmp_path / "e.npy")
    assert not path.exists()
