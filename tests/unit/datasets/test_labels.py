import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cbir.datasets.labels import group_codes, label_codes

NAMES = ["CT/chest/normal", "CT/head/bleed", "CT-A/chest/embolism", "MR/knee/tear"]
LABELS = st.lists(st.sampled_from(NAMES), min_size=1)


@given(LABELS)
def test_a_code_is_the_position_among_the_sorted_names(labels):
    codes, names = label_codes(pd.Series(labels, dtype="str"))
    assert codes.dtype == np.int64
    assert names.tolist() == sorted(set(labels))
    assert [names[code] for code in codes] == labels


@given(LABELS, st.randoms())
def test_codes_do_not_depend_on_the_order_of_the_images(labels, random):
    order = list(range(len(labels)))
    random.shuffle(order)
    codes, _ = label_codes(pd.Series(labels, dtype="str"))
    shuffled, _ = label_codes(pd.Series([labels[place] for place in order], dtype="str"))
    assert shuffled.tolist() == codes[order].tolist()


def test_combinations_are_sorted_by_their_first_column_first():
    images = pd.DataFrame({"modality": ["MR", "CT-A", "CT", "CT"], "anatomic_region": ["arm", "arm", "head", "arm"]})
    assert group_codes(images).tolist() == [3, 2, 1, 0]
    assert group_codes(images[["modality"]]).tolist() == [2, 1, 0, 0]


@given(LABELS)
def test_combinations_of_one_column_have_the_codes_of_its_labels(labels):
    images = pd.DataFrame({"label": pd.Series(labels, dtype="str")})
    assert group_codes(images).tolist() == label_codes(images["label"])[0].tolist()
