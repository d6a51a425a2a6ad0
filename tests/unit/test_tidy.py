import numpy as np
import pandas as pd
import pytest

from cbir.errors import InputError
from cbir.tidy import ESTIMATES, SCORE_KEYS, gather_tables, read_table, write_table
from score_rows import score, table


def test_gathered_scores_do_not_depend_on_the_order_of_their_files(tmp_path):
    for model in "abc":
        rows = [
            score(1 / 3, model=model, size=size, images=n, k=k) for size, n in (("9", 9), ("10", 10)) for k in (2, 1)
        ]
        write_table(table(*rows), tmp_path / f"{model}.csv")
    paths = sorted(tmp_path.glob("*.csv"))
    forward, backward = gather_tables(paths, SCORE_KEYS), gather_tables(paths[::-1], SCORE_KEYS)
    pd.testing.assert_frame_equal(forward, backward)
    assert forward["model"].tolist() == [*"aaaabbbbcccc"]
    assert forward["index_size"].tolist()[:4] == ["9", "9", "10", "10"]
    assert forward["k"].tolist()[:4] == [1, 2, 1, 2]


def test_scores_come_back_from_csv_exactly_as_they_were(tmp_path):
    values = np.random.default_rng(0).random(200)
    rows = [score(value, model="NA", size="100", k=k, ci_low=np.nan) for k, value in enumerate(values)]
    write_table(table(*rows), tmp_path / "first.csv")
    back = read_table(tmp_path / "first.csv")
    assert back["value"].tolist() == values.tolist()
    assert set(back["model"]) == {"NA"}
    assert set(back["index_size"]) == {"100"}
    assert back["ci_low"].isna().all()
    write_table(back, tmp_path / "second.csv")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_a_table_without_its_columns_is_refused_by_name(tmp_path):
    table(score()).drop(columns=["ci_low", "k"]).to_csv(tmp_path / "half.csv", index=False)
    with pytest.raises(InputError, match=r"half\.csv: no column\n  k\n  ci_low"):
        read_table(tmp_path / "half.csv", SCORE_KEYS + ESTIMATES)


def test_tidy_tables_come_back_with_their_names_as_text_and_what_is_empty_apart(tmp_path):
    path = tmp_path / "confusion.csv"
    path.write_text("model,index_size,neighbor_label,share\n7,100,,0.1\nNA,full,XR/a/b,\n")
    read = read_table(path)
    assert read["model"].tolist() == ["7", "NA"]
    assert read["index_size"].tolist() == ["100", "full"]
    assert read["neighbor_label"].tolist() == ["", "XR/a/b"]
    assert read["share"].isna().tolist() == [False, True]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_damaged_table_is_set_aside(tmp_path, suffix):
    path = tmp_path / f"scores.{suffix}"
    write_table(table(score()), path)
    path.write_bytes(b"\xff" if suffix == "csv" else path.read_bytes()[:100])
    with pytest.raises(InputError, match=rf"scores\.{suffix}: not a complete table .* now scores\.{suffix}\.damaged"):
        read_table(path)
    assert not path.exists()
