import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbir.datasets.splits import assign_splits, split_patients
from cbir.errors import InputError

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


def images(patients: list[str], labels: list[str], split: list[str] | None = None) -> pd.DataFrame:
    ids = [f"{number:05d}.png" for number in range(len(patients))]
    return pd.DataFrame(
        {"image_id": ids, "patient_id": patients, "label": labels, "split": split or [""] * len(patients)}, dtype="str"
    )


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd")), min_size=1, max_size=150), st.integers(0, 2**32)
)
def test_no_patient_is_in_two_splits(pairs, seed):
    manifest = images([str(patient) for patient, _ in pairs], [label for _, label in pairs])
    split = split_patients(manifest, SHARES, seed)
    assert split.isin(list(SHARES)).all()
    assert (split.groupby(manifest["patient_id"]).nunique() == 1).all()


def test_each_label_is_divided_by_the_shares():
    labels = ["common"] * 1000 + ["rare"] * 100
    manifest = images([str(number) for number in range(1100)], labels)
    split = split_patients(manifest, SHARES, 0)
    shares = pd.crosstab(manifest["label"], split, normalize="index")
    np.testing.assert_allclose(shares.loc["common", ["train", "val", "test"]], [0.7, 0.1, 0.2], atol=0.002)
    np.testing.assert_allclose(shares.loc["rare", ["train", "val", "test"]], [0.7, 0.1, 0.2], atol=0.02)


def test_shares_are_shares_of_images_also_where_patients_have_different_numbers_of_them():
    sizes = [1 + number % 9 for number in range(400)]
    manifest = images([str(number) for number, size in enumerate(sizes) for _ in range(size)], ["x"] * sum(sizes))
    shares = split_patients(manifest, SHARES, 3).value_counts(normalize=True)
    np.testing.assert_allclose(shares[["train", "val", "test"]], [0.7, 0.1, 0.2], atol=0.01)


def test_a_label_of_two_patients_is_in_the_index_and_among_the_queries():
    manifest = images(["a", "b"], ["x", "x"])
    for seed in range(20):
        assert set(split_patients(manifest, SHARES, seed)) == {"train", "test"}


def test_splits_are_the_same_with_the_same_seed_and_differ_with_another():
    manifest = images([str(number // 3) for number in range(300)], ["x", "y", "z"] * 100)
    assert split_patients(manifest, SHARES, 1).equals(split_patients(manifest, SHARES, 1))
    assert not split_patients(manifest, SHARES, 1).equals(split_patients(manifest, SHARES, 2))


def test_a_patient_counts_for_the_label_that_the_fewest_patients_have():
    # p0 to p2 have images of both labels and are the only patients with "rare": two of them are placed first and last.
    patients = [f"p{number}" for number in range(12)]
    manifest = images([*patients, *patients[:3]], ["common"] * 12 + ["rare"] * 3)
    for seed in range(20):
        split = split_patients(manifest, SHARES, seed)
        assert {"train", "test"} <= set(split[12:])


def test_an_official_split_stands():
    manifest = images(["a", "a", "b"], ["x", "x", "x"], ["test", "train", "val"])
    assert list(assign_splits(manifest, SHARES, 0, "d")["split"]) == ["test", "train", "val"]


def test_an_official_trainval_list_is_divided_between_train_and_val_only():
    manifest = images([str(number) for number in range(100)], ["x"] * 100, ["trainval"] * 80 + ["test"] * 20)
    split = assign_splits(manifest, SHARES, 0, "d")["split"]
    assert (split[80:] == "test").all()
    assert (split[:80] == "train").sum() == 70
    assert (split[:80] == "val").sum() == 10


def test_a_manifest_in_which_only_some_images_have_a_split_is_refused():
    with pytest.raises(InputError, match="1 images have no split and the others have"):
        assign_splits(images(["a", "b"], ["x", "x"], ["train", ""]), SHARES, 0, "d")


def test_all_labels_with_one_image_are_refused_in_one_message():
    with pytest.raises(InputError, match=r"(?s)2 labels have one image.*min_per_label: 2.*lone.*single") as caught:
        assign_splits(images(list("abcd"), ["x", "x", "lone", "single"]), SHARES, 0, "d")
    assert "dataset d" in str(caught.value)
