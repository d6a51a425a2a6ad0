import numpy as np
import pytest

from cbir.embeddings.files import create_embeddings, find_unnormalized, open_embeddings, open_norms, save_norms
from cbir.errors import InputError


def make_vectors(rows, dimensions=4, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def save(path, vectors):
    np.save(path, vectors)
    return path


def test_embeddings_open_as_a_read_only_memory_map(tmp_path):
    vectors = make_vectors(10)
    opened = open_embeddings(save(tmp_path / "e.npy", vectors), rows=10)
    assert isinstance(opened, np.memmap)
    assert not opened.flags.writeable
    np.testing.assert_array_equal(opened, vectors)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (make_vectors(8), "8 rows, but its manifest has 9"),
        (make_vectors(9).astype(float), "not a float32 matrix"),
        (make_vectors(9)[0], "not a float32 matrix"),
    ],
)
def test_a_file_that_holds_no_embeddings_is_set_aside(tmp_path, content, said):
    path = save(tmp_path / "e.npy", content)
    with pytest.raises(InputError, match=f"{path}: .*{said}.*now e.npy.damaged"):
        open_embeddings(path, rows=9)
    assert [found.name for found in tmp_path.iterdir()] == ["e.npy.damaged"]


@pytest.mark.parametrize("kept", [0, 50, 200])
def test_an_empty_or_truncated_file_is_set_aside(tmp_path, kept):
    path = save(tmp_path / "e.npy", make_vectors(9))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"{path}: not an embedding file"):
        open_embeddings(path)
    assert not path.exists()


@pytest.mark.parametrize("value", [np.nan, 0, np.inf, 2])
def test_rows_that_are_not_of_unit_norm_are_found(value):
    vectors = make_vectors(9)
    vectors[[0, 7]] = value
    assert find_unnormalized(vectors).tolist() == [0, 7]


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


def test_norms_come_back_as_they_were_and_those_of_another_manifest_are_set_aside(tmp_path):
    path, norms = tmp_path / "norms.npy", np.array([2.5, 1e-20, 1e30], np.float32)
    save_norms(norms, path)
    np.testing.assert_array_equal(open_norms(path, rows=3), norms, strict=True)
    with pytest.raises(InputError, match=r"norms.npy: 3 rows, but its manifest has 4.*now norms.npy.damaged"):
        open_norms(path, rows=4)
    with pytest.raises(InputError, match=r"a.npy: float32 \(2, 4\), not a float32 vector"):
        open_norms(save(tmp_path / "a.npy", make_vectors(2)))
