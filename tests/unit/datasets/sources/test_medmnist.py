import hashlib

import numpy as np
import pytest

from cbir import download
from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources import medmnist
from cbir.datasets.sources.medmnist import read_images, read_sets
from cbir.errors import InputError
from cbir.images.reading import read_image
from miniatures import rows
from web_server import serve


def write_npz(root, name, labels, side=28, channels=()):
    """A set as released: compressed, uint8 images, labels in one column per task."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, values in zip(("train", "val", "test"), labels, strict=True):
        arrays[f"{split}_images"] = rng.integers(0, 256, (len(values), side, side, *channels), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.array(values, dtype=np.uint8)
    root.mkdir(exist_ok=True)
    np.savez_compressed(root / f"{name}.npz", **arrays)
    return arrays


def read(root, name, size=28, download=False):
    options = {"root": str(root), "set": name, "size": size, "download": download}
    return complete_manifest(read_images("mini", options), "mini")


def test_a_set_becomes_frames_of_arrays_that_open_as_images(tmp_path):
    arrays = write_npz(tmp_path, "breastmnist_64", [[[0], [1], [1]], [[1]], [[0]]], side=64)
    manifest = read(tmp_path, "breastmnist", 64)
    assert rows(manifest, "image_id", "label", "split") == [
        ("breastmnist_64/test_images.npy#0", "US/breast/malignant", "test"),
        ("breastmnist_64/train_images.npy#0", "US/breast/malignant", "train"),
        ("breastmnist_64/train_images.npy#1", "US/breast/normal or benign", "train"),
        ("breastmnist_64/train_images.npy#2", "US/breast/normal or benign", "train"),
        ("breastmnist_64/val_images.npy#0", "US/breast/normal or benign", "val"),
    ]
    for path, frame, split in rows(manifest, "path", "frame", "split"):
        np.testing.assert_array_equal(read_image(path, frame), arrays[f"{split}_images"][frame])
    assert manifest["patient_id"].tolist() == manifest["image_id"].tolist()


def test_images_with_one_finding_or_none_are_kept_with_the_names_of_the_chest_datasets(tmp_path):
    none, effusion = [0] * 14, [0, 0, 1] + [0] * 11
    two = [1, 1] + [0] * 12
    write_npz(tmp_path, "chestmnist", [[none, effusion, two], [two], [effusion]])
    manifest = read(tmp_path, "chestmnist")
    assert rows(manifest, "frame", "label", "split") == [
        (0, "XR/chest/Pleural Effusion", "test"),
        (0, "XR/chest/No Finding", "train"),
        (1, "XR/chest/Pleural Effusion", "train"),
    ]
    assert manifest.attrs["left_out"] == {"not exactly one finding": 2}


def test_the_label_of_an_organ_set_is_the_region(tmp_path):
    write_npz(tmp_path, "organamnist", [[[6], [10]], [[0]], [[3]]])
    assert read(tmp_path, "organamnist")["label"].tolist() == [
        f"CT/{organ}/unspecified" for organ in ["heart", "liver", "spleen", "bladder"]
    ]


def test_an_array_is_unpacked_once_and_again_if_it_is_truncated(tmp_path):
    write_npz(tmp_path, "breastmnist", [[[0]], [[1]], [[0]]])
    read(tmp_path, "breastmnist")
    unpacked = tmp_path / "breastmnist" / "train_images.npy"
    before, content = unpacked.stat().st_mtime_ns, unpacked.read_bytes()
    read(tmp_path, "breastmnist")
    assert unpacked.stat().st_mtime_ns == before
    unpacked.write_bytes(content[:100])
    read(tmp_path, "breastmnist")
    assert unpacked.read_bytes() == content


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A server with a small set in the place of PathMNIST, with its MD5 sum in the place of the published one."""
    write_npz(tmp_path / "published", "pathmnist", [[[0]], [[1]], [[8]]], channels=(3,))
    content = (tmp_path / "published/pathmnist.npz").read_bytes()
    sets = read_sets()
    sets["pathmnist"]["md5"][28] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(medmnist, "read_sets", lambda: sets)
    monkeypatch.setattr(download, "PAUSE", 0)
    with serve({"/pathmnist.npz": content}) as server:
        monkeypatch.setattr(medmnist, "URL", server.url("/{name}.npz"))
        yield server


def test_a_missing_file_is_downloaded_on_request(tmp_path, published):
    root = tmp_path / "new"
    assert set(read(root, "pathmnist", download=True)["anatomic_region"]) == {"colon"}
    assert (root / "pathmnist.npz").read_bytes() == published.files["/pathmnist.npz"]
    read(root, "pathmnist", download=True)
    assert published.asked == [("GET", 0)]


def test_an_interrupted_download_of_a_set_continues_where_it_was(tmp_path, published):
    published.breaks = 2
    assert len(read(tmp_path / "new", "pathmnist", download=True)) == 3
    half = len(published.files["/pathmnist.npz"]) // 2
    assert [start for _, start in published.asked][:2] == [0, half]
    assert len(published.asked) == 3
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["pathmnist", "pathmnist.npz"]


def test_a_download_with_another_md5_sum_is_not_kept(tmp_path, published):
    published.files["/pathmnist.npz"] = b"another file"
    md5 = hashlib.md5(b"another file").hexdigest()
    with pytest.raises(InputError, match=rf"new/pathmnist\.npz: http.*pathmnist\.npz has MD5 {md5}, not .* by hand"):
        read(tmp_path / "new", "pathmnist", download=True)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_set_that_cannot_be_downloaded_is_named_with_its_place(tmp_path, published):
    published.files.clear()
    with pytest.raises(
        InputError, match=r"new/pathmnist\.npz: can't be fetched from http.* put the file there by hand"
    ):
        read(tmp_path / "new", "pathmnist", download=True)


def test_an_unknown_set_and_a_missing_or_broken_file_are_named(tmp_path):
    with pytest.raises(InputError, match="no 2D set 'organmnist3d' of size 28; sets are pathmnist, chestmnist"):
        read(tmp_path, "organmnist3d")
    with pytest.raises(InputError, match=r"of size 32; .* sizes 28, 64, 128, 224"):
        read(tmp_path, "pathmnist", 32)
    with pytest.raises(InputError, match=r"no .*bloodmnist\.npz; .*datasets\.mini\.download"):
        read(tmp_path, "bloodmnist")
    (tmp_path / "bloodmnist.npz").write_bytes(b"PK not really")
    with pytest.raises(InputError, match=r"bloodmnist\.npz"):
        read(tmp_path, "bloodmnist")
    write_npz(tmp_path, "bloodmnist", [[[8]], [[0]], [[0]]])  # the set has eight labels, 0 to 7
    with pytest.raises(InputError, match="do not fit together"):
        read(tmp_path, "bloodmnist")


def test_every_set_has_an_md5_sum_for_each_size_and_one_list_of_labels():
    sets = read_sets()
    # number of classes of each of the 12 2D sets, from Yang et al. 2023, table 2
    classes = {"path": 9, "chest": 14, "derma": 7, "oct": 4, "pneumonia": 2, "retina": 5, "breast": 2, "blood": 8}
    classes |= {"tissue": 8, "organa": 11, "organc": 11, "organs": 11}
    assert set(sets) == {f"{name}mnist" for name in classes}
    for name, facts in sets.items():
        assert list(facts["md5"]) == [28, 64, 128, 224]
        assert all(len(value) == 32 for value in facts["md5"].values())
        labels = [facts[part] for part in ("anatomic_region", "pathology") if isinstance(facts[part], list)]
        assert [len(values) for values in labels] == [classes[name.removesuffix("mnist")]]
