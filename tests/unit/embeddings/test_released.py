import h5py
import numpy as np
import pandas as pd
import pytest

from cbir.embeddings.released import import_embeddings
from cbir.errors import InputError
from miniatures import RELEASED_TABLES, make_release


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path)


def manifest_of(release):
    """The columns of the manifest that matter here, sorted as a manifest is."""
    tables = pd.concat([pd.read_csv(release / name) for name in RELEASED_TABLES])
    images = pd.DataFrame({"image_id": tables["filepath"], "path": tables["dataset"] + ".h5/" + tables["filepath"]})
    return images.sort_values("image_id", ignore_index=True)


def stored(release, image_id):
    with h5py.File(release / f"embeddings/ModelA/{image_id.split('/')[0]}.h5") as file:
        return file[image_id][()]


def replace_vector(release, image_id, vector):
    with h5py.File(release / f"embeddings/ModelA/{image_id.split('/')[0]}.h5", "r+") as file:
        del file[image_id]
        if vector is not None:
            file[image_id] = vector


def test_embeddings_come_in_the_order_of_the_manifest_as_they_were_released(release):
    manifest = manifest_of(release)
    norms = import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
    embeddings = np.load(release / "a.npy", mmap_mode="r")
    assert embeddings.dtype == np.float32
    np.testing.assert_array_equal(norms, np.ones(len(manifest), np.float32), strict=True)
    np.testing.assert_array_equal(embeddings, [stored(release, image) for image in manifest["image_id"]])


@pytest.mark.parametrize("factor", [3.0, 1e-20, 1e30])
def test_a_vector_of_another_norm_is_scaled(release, factor):
    manifest = manifest_of(release)
    image = manifest["image_id"][40]
    vector = stored(release, image)
    replace_vector(release, image, vector * np.float32(factor))
    norms = import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
    embedding = np.load(release / "a.npy")[40]
    np.testing.assert_allclose(embedding, vector, rtol=1e-6)
    np.testing.assert_allclose(embedding * norms[40], stored(release, image), rtol=1e-6)
    assert (np.delete(norms, 40) == 1).all()


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (None, "not in radiology_ai.h5"),
        (np.ones(5, np.float32), r"shape \(5,\), others have \(6,\)"),
        (np.ones((2, 3), np.float32), r"shape \(2, 3\), others have \(6,\)"),
        (np.zeros(6, np.float32), "zero or not finite"),
        (np.array([1, 0, np.nan, 0, 0, 0], np.float32), "zero or not finite"),
        (np.array([1, 0, np.inf, 0, 0, 0], np.float32), "zero or not finite"),
    ],
)
def test_images_without_a_usable_vector_are_listed_and_nothing_is_written(release, vector, reason):
    manifest = manifest_of(release)
    images = [image for image in manifest["image_id"] if image.startswith("radiology_ai")][1:3]
    for image in images:
        replace_vector(release, image, vector)
    with pytest.raises(InputError, match=rf"2 images without a usable embedding.*ModelA(.|\n)*{images[1]}: {reason}"):
        import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
    assert not list(release.glob("a.npy*"))


def test_a_missing_or_truncated_file_is_named(release):
    manifest = manifest_of(release)
    with pytest.raises(InputError, match=r"model ModelB(.|\n)*ModelB/nih14\.h5"):
        import_embeddings(manifest, release / "embeddings", "ModelB", release / "b.npy")
    path = release / "embeddings/ModelA/nih14.h5"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"nih14\.h5: not an HDF5 file, or a truncated one"):
        import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
