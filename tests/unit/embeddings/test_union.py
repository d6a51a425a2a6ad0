import numpy as np
import pandas as pd
import pytest

from cbir.embeddings.union import member_rows
from cbir.errors import InputError


@pytest.fixture
def members():
    return {
        name: pd.DataFrame({"image_id": ids})
        for name, ids in {"nih": ["#.png", "a.png", "b/1.png"], "nih-2": ["a.png", "z.png"]}.items()
    }


@pytest.fixture
def united():
    return pd.DataFrame({"image_id": ["nih-2/a.png", "nih-2/z.png", "nih/#.png", "nih/a.png", "nih/b/1.png"]})


@pytest.mark.parametrize("left_out", [[], [0, 3]], ids=["whole", "with rows left out"])
def test_each_row_of_a_union_is_found_in_its_member(members, united, left_out):
    kept = united.drop(left_out).reset_index(drop=True)
    found = np.full(len(kept), "", dtype=object)
    for name, (here, there) in member_rows(kept, members).items():
        assert here.dtype == there.dtype == np.int64
        found[here] = f"{name}/" + members[name]["image_id"].to_numpy()[there]
    assert found.tolist() == kept["image_id"].tolist()


def test_images_of_a_union_that_no_member_has_are_counted(members, united):
    with pytest.raises(InputError, match="1 images of the union"):
        member_rows(united, members | {"nih": members["nih"].iloc[1:]})
    with pytest.raises(InputError, match="2 images of the union"):
        member_rows(united, {"nih": members["nih"]})
