import pandas as pd
import pytest

from cbir.datasets.manifest import complete_manifest
from cbir.datasets.sources.released import read_images
from cbir.errors import InputError
from miniatures import RELEASED_TABLES, make_release


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path)


def manifest_of(release):
    return complete_manifest(read_images("study", {"tables": [release / name for name in RELEASED_TABLES]}), "study")


def test_the_tables_make_one_dataset_with_the_labels_and_splits_of_all(release):
    manifest = manifest_of(release)
    tables = (
        pd.concat(map(pd.read_csv, (release / name for name in RELEASED_TABLES))).set_index("filepath").sort_index()
    )
    assert manifest["image_id"].tolist() == tables.index.tolist()
    one_hot = tables[[label for _, labels in RELEASED_TABLES.values() for label in labels]].fillna(0)
    assert manifest["label"].tolist() == one_hot.idxmax(axis=1).tolist()
    for column in ("split", "modality", "anatomic_region"):
        assert manifest[column].tolist() == tables[column].tolist()
    assert manifest["path"].tolist() == (tables["dataset"] + ".h5/" + tables.index).tolist()


def test_each_image_is_its_own_patient_whatever_the_name_of_its_folder(release):
    manifest = manifest_of(release)
    assert (manifest["patient_id"] == manifest["image_id"]).all()


def test_images_without_exactly_one_label_are_left_out_and_counted(release):
    table = pd.read_csv(release / "nih14.csv")
    table.loc[0, ["XR/chest/No Finding", "XR/chest/Hernia"]] = 1
    table.loc[1, ["XR/chest/No Finding", "XR/chest/Hernia"]] = 0
    table.to_csv(release / "nih14.csv", index=False)
    images = read_images("study", {"tables": [release / name for name in RELEASED_TABLES]})
    assert len(images) == 58
    assert images.attrs["left_out"] == {"not exactly one positive label": 2}
    assert not set(table["filepath"][:2]) & set(images["image_id"])


def test_missing_tables_and_tables_without_label_columns_are_refused(release):
    with pytest.raises(InputError, match=r"no table .*mimic\.csv; correct datasets\.study\.tables"):
        read_images("study", {"tables": [release / "mimic.csv"]})
    pd.DataFrame({"filepath": ["a"], "dataset": ["b"], "split": ["train"]}).to_csv(release / "bare.csv")
    with pytest.raises(InputError, match=r"bare\.csv has no label columns, named modality/region/finding"):
        read_images("study", {"tables": [release / "bare.csv"]})


@pytest.mark.parametrize("dataset", ["", "../nih14"])
def test_a_dataset_column_that_names_no_file_is_refused(release, dataset):
    table = pd.read_csv(release / "nih14.csv").assign(dataset=dataset)
    table.to_csv(release / "nih14.csv", index=False)
    with pytest.raises(InputError, match=r"nih14\.csv: column dataset must name an \.h5 file; correct these values:"):
        read_images("study", {"tables": [release / "nih14.csv"]})
