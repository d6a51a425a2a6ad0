import io

import pandas as pd
import pytest

from cbir.datasets.missing import MISSING, count_missing, is_missing_word


@pytest.mark.parametrize("word", MISSING)
def test_every_word_for_a_missing_value_is_one_for_pandas_too(word):
    assert pd.read_csv(io.StringIO(f"a,b\n{word},1\n"))["a"].isna().all()


@pytest.mark.parametrize("word", [*MISSING, "Na", "NONE", "none", "NAN", " NA ", "  ", "Null"])
def test_words_for_a_missing_value_are_found_in_any_case(word):
    assert is_missing_word(word)


@pytest.mark.parametrize("word", ["0", "p1", "unknown", "Nan-7", "NAS", "none of these", "-"])
def test_other_words_are_values(word):
    assert not is_missing_word(word)


def test_the_counts_of_a_message_begin_with_the_most_frequent_word():
    values = pd.Series(["", "NA", "p1", "NA", "NaN", "NA", ""])
    assert count_missing(values, pd.Series(["", "NA", "NaN"])) == "NA 3, blank 2, NaN 1"
