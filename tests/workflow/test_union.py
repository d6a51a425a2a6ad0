import numpy as np
import pandas as pd
import pytest

from workflow_runs import make_dataset, run, write_experiment


@pytest.fixture(scope="module")
def united(tmp_path_factory):
    """The results of a run on two datasets, of which one has hashed patients, and on their union."""
    folder = tmp_path_factory.mktemp("united")
    for name, patients in (("first", 8), ("second", 10)):
        make_dataset(folder / name, patients)
    sources = {name: {"source": "table", "root": name, "table": "images.csv"} for name in ("first", "second")}
    sources["second"] |= {"hash_patients": True, "patient_key": "secret/key"}
    sources["both"] = {"source": "union", "members": ["first", "second"]}
    write_experiment(folder, folder, datasets=sources, models=["pixels"], index_sizes=["full"])
    done = run(folder, "--cores", "2", "tables")
    assert done.returncode == 0, done.stdout
    return folder / "results"


def test_a_union_has_the_images_of_its_members_in_the_same_splits(united):
    parts = {name: pd.read_parquet(united / f"manifests/{name}.parquet") for name in ("first", "second", "both")}
    assert len(parts["both"]) == len(parts["first"]) + len(parts["second"])
    expected = pd.concat(
        [parts[name].assign(image_id=name + "/" + parts[name]["image_id"]) for name in ("first", "second")]
    )
    splits = expected.set_index("image_id")["split"]
    assert parts["both"].set_index("image_id")["split"].to_dict() == splits.to_dict()
    assert set(parts["both"]["label"]) == {"XR/chest/normal", "XR/chest/lesion", "XR/hand/normal", "XR/hand/lesion"} | {
        "CT/head/normal",
        "CT/head/lesion",
    }


def test_the_embeddings_of_a_union_are_those_of_its_members(united):
    both = pd.read_parquet(united / "manifests/both.parquet")
    embeddings = np.load(united / "embeddings/both/pixels.npy")
    for name in ("first", "second"):
        member = pd.read_parquet(united / f"manifests/{name}.parquet")["image_id"]
        rows = pd.Index(both["image_id"]).get_indexer(name + "/" + member)
        np.testing.assert_array_equal(embeddings[rows], np.load(united / f"embeddings/{name}/pixels.npy"))
    assert not list((united / "logs/embed_images").glob("both*"))


def test_hashed_patients_keep_their_groups_and_lose_their_ids(united):
    hashed = pd.read_parquet(united / "manifests/second.parquet")
    listed = pd.read_csv(united.parent / "second/images.csv")
    assert not set(hashed["patient_id"]) & set(listed["patient_id"])
    patients = listed["patient_id"].to_numpy()[pd.Index("second/" + listed["image"]).get_indexer(hashed["path"])]
    assert pd.DataFrame({"hash": hashed["patient_id"], "id": patients}).drop_duplicates().shape[0] == 30
    assert (united.parent / "secret/key").stat().st_mode & 0o077 == 0
