import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbir.embeddings import files
from cbir.embeddings.files import create_embeddings, join_shards, open_embeddings
from cbir.errors import InputError


def make_vectors(rows, dimensions=4, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def save(path, vectors):
    np.save(path, vectors)
    return path


def with_row(vectors, row, value):
    changed = vectors.copy()
    changed[row] = value
    return changed


def test_embeddings_open_as_a_read_only_memory_map(tmp_path):
    vectors = make_vectors(10)
    opened = open_embeddings(save(tmp_path / "e.npy", vectors), rows=10, dimensions=4)
    assert isinstance(opened, np.memmap)
    assert not opened.flags.writeable
    np.testing.assert_array_equal(opened, vectors)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (with_row(make_vectors(9), 7, np.nan), "row 7 is not of unit norm"),
        (with_row(make_vectors(9), 8, 0), "row 8 is not of unit norm"),
        (with_row(make_vectors(9), 0, np.inf), "row 0 is not of unit norm"),
        (make_vectors(9) * np.float32(2), "row 0 is not of unit norm"),
        (make_vectors(8), "8 rows, not 9"),
        (make_vectors(9, 3), "3 dimensions, not 4"),
        (make_vectors(9).astype(float), "not a float32 matrix"),
        (make_vectors(9)[0], "not a float32 matrix"),
    ],
)
def test_what_is_no_embedding_file_is_refused_by_name_with_the_remedy(tmp_path, monkeypatch, content, said):
    monkeypatch.setattr(files, "BLOCK", 8)  # two rows a block
    path = save(tmp_path / "e.npy", content)
    with pytest.raises(InputError, match=f"{path}: .*{said}.*; delete it and run again"):
        open_embeddings(path, rows=9, dimensions=4)


@pytest.mark.parametrize("kept", [None, 0, 50, 200])
def test_an_absent_empty_or_truncated_file_is_named(tmp_path, kept):
    path = tmp_path / "e.npy"
    if kept is not None:
        save(path, make_vectors(9))
        path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"{path}: not an embedding file"):
        open_embeddings(path)


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5), block=st.integers(1, 40))
def test_joined_shards_are_their_concatenation(tmp_path_factory, sizes, block):
    folder = tmp_path_factory.mktemp("shards")
    shards = [make_vectors(size, seed=seed) for seed, size in enumerate(sizes)]
    paths = [save(folder / f"{number}.npy", shard) for number, shard in enumerate(shards)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        join_shards(paths, folder / "joined.npy")
    np.testing.assert_array_equal(open_embeddings(folder / "joined.npy"), np.concatenate(shards))


@pytest.mark.parametrize("bad", [make_vectors(3, 5), make_vectors(3) * 0])
def test_a_bad_shard_is_named_and_nothing_is_written(tmp_path, bad):
    paths = [save(tmp_path / "0.npy", make_vectors(3)), save(tmp_path / "1.npy", bad)]
    with pytest.raises(InputError, match=r"1\.npy"):
        join_shards(paths, tmp_path / "joined.npy")
    assert sorted(tmp_path.iterdir()) == paths


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's count of resident pages")
def test_checking_a_file_leaves_none_of_its_pages_resident(tmp_path, monkeypatch):
    def resident():
        return int(re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

    monkeypatch.setattr(files, "BLOCK", 1 << 20)
    path = save(tmp_path / "e.npy", make_vectors(1 << 20, 16))
    before = resident()
    opened = open_embeddings(path)
    assert resident() - before < path.stat().st_size / 4
    assert len(opened) == 1 << 20


def test_embeddings_have_their_name_only_when_complete(tmp_path):
    path = tmp_path / "e.npy"
    with pytest.raises(KeyboardInterrupt), create_embeddings(path, 2, 4):
        assert not path.exists()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with create_embeddings(path, 2, 4) as array:
        array[:] = make_vectors(2)
    np.testing.assert_array_equal(open_embeddings(path), make_vectors(2))
    assert list(tmp_path.iterdir()) == [path]
