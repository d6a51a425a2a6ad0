"""An index holds the vectors of its rows bit by bit, and a file of another index is refused."""

import errno
from pathlib import Path

import faiss
import numpy as np
import pytest

from cbir.errors import InputError
from cbir.retrieval.indexes import build_index, copy_rows, exact_vectors, indexed_rows, read_index, write_index

IMAGES, DIMENSIONS = 3000, 24
APPROXIMATE = ["HNSW16", "IVF16,Flat", "PCA16,IVF16,PQ8x4", "SQfp16"]


def make_embeddings(seed=0, images=IMAGES, dimensions=DIMENSIONS):
    vectors = np.random.default_rng(seed).standard_normal((images, dimensions), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    path = tmp_path_factory.mktemp("embeddings") / "model.npy"
    np.save(path, make_embeddings())
    return np.load(path, mmap_mode="r")


@pytest.fixture(scope="module")
def rows():
    return np.sort(np.random.default_rng(1).choice(IMAGES, 2000, replace=False))


def test_an_exact_index_holds_the_vectors_of_its_rows_and_their_rows_as_ids(embeddings, rows):
    index = build_index(embeddings, rows, "Flat", threads=1, seed=0)
    assert index.ntotal == len(rows)
    np.testing.assert_array_equal(indexed_rows(index), rows)
    np.testing.assert_array_equal(exact_vectors(index), embeddings[rows])


def test_an_exact_index_finds_the_same_as_one_that_faiss_filled(embeddings, rows):
    reference = faiss.IndexIDMap(faiss.IndexFlatIP(DIMENSIONS))
    reference.add_with_ids(np.asarray(embeddings[rows]), rows)
    queries = make_embeddings(seed=2, images=30)
    for ours, theirs in zip(
        build_index(embeddings, rows, "Flat", 1, 0).search(queries, 10), reference.search(queries, 10), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("factory", ["Flat", *APPROXIMATE])
def test_a_written_index_is_read_back_and_finds_the_same(factory, embeddings, rows, tmp_path):
    index = build_index(embeddings, rows, factory, threads=2, seed=0)
    write_index(index, tmp_path / "full.0.faiss")
    read = read_index(tmp_path / "full.0.faiss", embeddings)
    queries = make_embeddings(seed=2, images=5)
    np.testing.assert_array_equal(index.search(queries, 10)[1], read.search(queries, 10)[1])
    assert np.isin(index.search(queries, 10)[1], [-1, *rows]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["full.0.faiss"]


@pytest.mark.parametrize("factory", ["Flat", *APPROXIMATE])
def test_the_same_arguments_give_the_same_bytes(factory, embeddings, rows, tmp_path):
    for name in ("a", "b"):
        write_index(build_index(embeddings, rows, factory, threads=2, seed=3), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_training_takes_a_bounded_sample_that_depends_on_the_seed(embeddings, rows, monkeypatch, tmp_path):
    monkeypatch.setattr("cbir.retrieval.indexes.TRAINING_IMAGES", 700)
    for seed in (0, 1):
        write_index(build_index(embeddings, rows, "IVF16,Flat", threads=1, seed=seed), tmp_path / str(seed))
    assert (tmp_path / "0").read_bytes() != (tmp_path / "1").read_bytes()


def test_copied_rows_are_those_of_the_source_whether_mapped_sliced_or_in_memory(embeddings):
    rows = np.array([0, 7, 7, 2999, 5])
    for source in (embeddings, embeddings[:], np.asarray(embeddings)):
        np.testing.assert_array_equal(copy_rows(source, rows), np.asarray(embeddings)[rows])
    np.testing.assert_array_equal(copy_rows(embeddings[10:], rows[:3]), np.asarray(embeddings)[rows[:3] + 10])


def test_rows_of_another_manifest_are_refused(embeddings):
    with pytest.raises(InputError, match=r"row 2999.*another manifest.*sample_index_rows"):
        build_index(embeddings, np.array([0, IMAGES]), "Flat", 1, 0)


@pytest.mark.parametrize("rows", [[], [2, 1], [1, 1]])
def test_rows_must_ascend(embeddings, rows):
    with pytest.raises(ValueError, match="ascending"):
        build_index(embeddings, np.array(rows, np.int64), "Flat", 1, 0)


@pytest.mark.parametrize("factory", ["Flut", "", "LSH", "PQ7x8", "IDMap,Flat"])
def test_an_unknown_factory_is_refused_by_name(embeddings, rows, factory):
    with pytest.raises(InputError, match=f"indexes: '{factory}'"):
        build_index(embeddings, rows, factory, 1, 0)


def test_too_few_images_to_train_on_are_refused(embeddings, rows):
    with pytest.raises(InputError, match=r"'IVF64,Flat' cannot be trained on 50 images.*number of clusters \(64\)"):
        build_index(embeddings, rows[:50], "IVF64,Flat", 1, 0)


def damaged(path):
    """Whether a file was set aside, so that the same command makes it again."""
    return not path.exists() and path.with_name(f"{path.name}.damaged").exists()


def test_a_file_that_is_truncated_anywhere_is_set_aside(embeddings, rows, tmp_path):
    path = tmp_path / "index.faiss"
    write_index(build_index(embeddings, rows, "Flat", 1, 0), path)
    whole = path.read_bytes()
    for length in [0, 3, 4, 40, 1000, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"index.faiss: not a complete faiss index.*run the same command again"):
            read_index(path, embeddings)
        assert damaged(path)


def test_a_file_that_is_no_index_is_set_aside(embeddings, tmp_path):
    path = tmp_path / "text.faiss"
    path.write_text("no index, but long enough to be taken for one" * 9)
    with pytest.raises(InputError, match=r"text.faiss: not a complete faiss index"):
        read_index(path, embeddings)
    assert damaged(path)


def test_a_missing_file_is_not_called_damaged(embeddings, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.faiss"):
        read_index(tmp_path / "absent.faiss", embeddings)


@pytest.mark.parametrize(
    "index", [faiss.IndexFlatIP(DIMENSIONS), faiss.IndexIDMap(faiss.IndexFlatL2(DIMENSIONS))], ids=["no ids", "L2"]
)
def test_an_index_of_another_kind_is_set_aside(embeddings, tmp_path, index):
    path = tmp_path / "other.faiss"
    faiss.write_index(index, str(path))
    with pytest.raises(InputError, match="not one by inner product with manifest rows"):
        read_index(path, embeddings)
    assert damaged(path)


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (make_embeddings(dimensions=DIMENSIONS + 1), "24 dimensions, but the embeddings have 25"),
        (make_embeddings(images=100), "not an index of these 100 embeddings"),
    ],
)
def test_an_index_of_other_embeddings_is_set_aside(embeddings, rows, tmp_path, other, complaint):
    path = tmp_path / "index.faiss"
    write_index(build_index(embeddings, rows, "Flat", 1, 0), path)
    with pytest.raises(InputError, match=f"index.faiss: .*{complaint}"):
        read_index(path, other)
    assert damaged(path)


def test_a_write_that_fails_leaves_no_file(embeddings, rows, tmp_path, monkeypatch):
    def fail(index, path):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(faiss, "write_index", fail)
    with pytest.raises(OSError, match="No space left"):
        write_index(build_index(embeddings, rows, "Flat", 1, 0), tmp_path / "index.faiss")
    assert not list(tmp_path.iterdir())
