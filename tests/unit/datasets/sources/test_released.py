import h5py
import numpy as np
import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources import SOURCES
from cbir.datasets.sources.released import import_embeddings
from cbir.errors import InputError

LABELS = {
    "radimagenet.csv": ("radiology_ai", ["CT/lung/nodule", "CT/lung/normal", "MR/brain/glioma"]),
    "nih14.csv": ("nih14", ["XR/chest/No Finding", "XR/chest/Hernia"]),
}


@pytest.fixture
def release(tmp_path):
    """Two split tables and one model's embeddings as the study's authors lay them out; 30 images each."""
    generator = np.random.default_rng(0)
    (tmp_path / "embeddings/ModelA").mkdir(parents=True)
    for name, (dataset, labels) in LABELS.items():
        label = np.arange(30) % len(labels)
        split = np.array(["train", "train", "test", "train", "val"])[np.arange(30) % 5]
        table = pd.DataFrame(np.eye(len(labels))[label], columns=labels)
        folders = [f"{part}/{'/'.join(labels[code].split('/')[:2])}" for part, code in zip(split, label, strict=True)]
        paths = [f"{dataset}/{folder}/p{i // 2:05}/img_{i:06}.png" for i, folder in enumerate(folders)]
        modality, region = np.array([label.split("/")[:2] for label in labels])[label].T
        columns = {"filepath": paths, "dataset": dataset, "split": split, "modality": modality}
        for place, (column, values) in enumerate((columns | {"anatomic_region": region}).items()):
            table.insert(place, column, values)
        table.sample(frac=1, random_state=1).to_csv(tmp_path / name, index=False)
        vectors = generator.normal(size=(30, 6))
        with h5py.File(tmp_path / f"embeddings/ModelA/{dataset}.h5", "w") as file:
            for path, vector in zip(paths, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True):
                file[path] = vector.astype(np.float32)
    return tmp_path


def manifest_of(release):
    return complete_manifest(SOURCES["released"]("study", {"tables": [release / name for name in LABELS]}), "study")


def stored(release, image_id):
    with h5py.File(release / f"embeddings/ModelA/{image_id.split('/')[0]}.h5") as file:
        return file[image_id][()]


def replace_vector(release, image_id, vector):
    with h5py.File(release / f"embeddings/ModelA/{image_id.split('/')[0]}.h5", "r+") as file:
        del file[image_id]
        if vector is not None:
            file[image_id] = vector


def test_the_tables_make_one_dataset_with_the_labels_and_splits_of_all(release):
    manifest = manifest_of(release)
    tables = pd.concat(map(pd.read_csv, (release / name for name in LABELS))).set_index("filepath").sort_index()
    assert manifest["image_id"].tolist() == tables.index.tolist()
    one_hot = tables[[label for _, labels in LABELS.values() for label in labels]].fillna(0)
    assert manifest["label"].tolist() == one_hot.idxmax(axis=1).tolist()
    for column in ("split", "modality", "anatomic_region"):
        assert manifest[column].tolist() == tables[column].tolist()
    assert manifest["path"].tolist() == (tables["dataset"] + ".h5/" + tables.index).tolist()


def test_each_image_is_its_own_patient_whatever_its_folder_is_called(release):
    manifest = manifest_of(release)
    assert (manifest["patient_id"] == manifest["image_id"]).all()


def test_images_without_exactly_one_label_are_left_out_and_counted(release):
    table = pd.read_csv(release / "nih14.csv")
    table.loc[0, ["XR/chest/No Finding", "XR/chest/Hernia"]] = 1
    table.loc[1, ["XR/chest/No Finding", "XR/chest/Hernia"]] = 0
    table.to_csv(release / "nih14.csv", index=False)
    images = SOURCES["released"]("study", {"tables": [release / name for name in LABELS]})
    assert len(images) == 58
    assert images.attrs["left_out"] == {"not exactly one positive label": 2}
    assert not set(table["filepath"][:2]) & set(images["image_id"])


def test_embeddings_come_in_the_order_of_the_manifest_as_they_were_released(release):
    manifest = manifest_of(release)
    import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
    embeddings = np.load(release / "a.npy", mmap_mode="r")
    assert embeddings.dtype == np.float32
    np.testing.assert_array_equal(embeddings, [stored(release, image) for image in manifest["image_id"]])


@pytest.mark.parametrize("factor", [3.0, 1e-20, 1e30])
def test_a_vector_of_another_norm_is_scaled(release, factor):
    manifest = manifest_of(release)
    image = manifest["image_id"][40]
    vector = stored(release, image)
    replace_vector(release, image, vector * np.float32(factor))
    import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")
    np.testing.assert_allclose(np.load(release / "a.npy")[40], vector, rtol=1e-6)


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


def test_an_absent_or_truncated_file_is_named(release):
    manifest = manifest_of(release)
    with pytest.raises(InputError, match=r"model ModelB(.|\n)*ModelB/nih14\.h5"):
        import_embeddings(manifest, release / "embeddings", "ModelB", release / "b.npy")
    path = release / "embeddings/ModelA/nih14.h5"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"nih14\.h5: not an HDF5 file, or a truncated one"):
        import_embeddings(manifest, release / "embeddings", "ModelA", release / "a.npy")


def test_tables_that_are_absent_or_have_no_label_columns_are_refused(release):
    with pytest.raises(InputError, match=r"no table .*mimic\.csv; mend datasets\.study\.tables"):
        SOURCES["released"]("study", {"tables": [release / "mimic.csv"]})
    pd.DataFrame({"filepath": ["a"], "dataset": ["b"], "split": ["train"]}).to_csv(release / "bare.csv")
    with pytest.raises(InputError, match=r"bare\.csv has no label columns, named modality/region/finding"):
        SOURCES["released"]("study", {"tables": [release / "bare.csv"]})


@pytest.mark.parametrize("dataset", ["", "../nih14"])
def test_a_dataset_column_that_names_no_file_is_refused(release, dataset):
    table = pd.read_csv(release / "nih14.csv").assign(dataset=dataset)
    table.to_csv(release / "nih14.csv", index=False)
    with pytest.raises(InputError, match=r"nih14\.csv: column dataset names no \.h5 file"):
        SOURCES["released"]("study", {"tables": [release / "nih14.csv"]})
