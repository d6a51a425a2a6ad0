"""The main tables, and how they are printed."""

import re

import numpy as np
import pandas as pd
import pytest

from cbir.errors import InputError
from cbir.reporting.main_tables import (
    full_index,
    levels_table,
    make_main_table,
    pathology_precision,
    probes_table,
    retrieval_table,
    write_latex,
    write_markdown,
)
from score_rows import score, table


def test_the_full_index_is_the_rows_of_the_size_full_of_each_dataset():
    scores = table(
        score(0.1, size="50", images=50),
        score(0.9, size="100", images=100, draw=1),
        score(0.2, size="full", images=100),
        score(0.3, dataset="hand", size="full", images=7),
    )
    assert full_index(scores)[["dataset", "value"]].to_numpy().tolist() == [["chest", 0.2], ["hand", 0.3]]


def test_a_main_table_is_found_by_its_name_and_an_unknown_name_is_refused():
    scores = table(score(0.5, k=1), score(0.4, k=3))
    pd.testing.assert_frame_equal(
        make_main_table("retrieval_main", scores, ["a"], [3]), retrieval_table(scores, ["a"], [3])
    )
    pd.testing.assert_frame_equal(make_main_table("levels_main", scores, ["a"], [3]), levels_table(scores, ["a"]))
    with pytest.raises(InputError, match="no main table 'levels'; the main tables are retrieval_main, levels_main"):
        make_main_table("levels", scores, ["a"], [1])


def test_the_retrieval_table_holds_the_pathology_in_the_full_index_in_the_order_of_the_models():
    scores = table(
        *(
            score(0.1 * k, model=model, k=k, average=average)
            for model in "ab"
            for k in (1, 3)
            for average in ("micro", "macro")
        ),
        score(0.99, level="modality"),
        score(0.98, metric="recall"),
        score(0.97, size="10", images=10),
        score(0.96, k=5),
    )
    main = retrieval_table(scores, ["b", "a"], [1, 3, 10])
    assert list(main) == ["dataset", "model", *(f"{a} P@{k}" for a in ("micro", "macro") for k in (1, 3, 10))]
    assert main["model"].tolist() == ["b", "a"]
    np.testing.assert_allclose(main.iloc[1, 2:].astype(float), [0.1, 0.3, np.nan, 0.1, 0.3, np.nan])


def test_the_retrieval_table_names_the_index_where_there_are_several():
    scores = table(score(0.5, index="exact"), score(0.4, index="hnsw"))
    main = retrieval_table(scores, ["a"], [1])
    assert main[["index", "micro P@1"]].to_numpy().tolist() == [["exact", 0.5], ["hnsw", 0.4]]


@pytest.fixture
def printed():
    return pd.DataFrame(
        {
            "dataset": ["chest", "chest", "chest", "hand_x", "hand_x"],
            "model": ["a_b", "c", "d", "a_b", "c"],
            "images": [1234567, 1, 2, 3, 4],
            "P@1": [0.12349, 0.9004, 0.9001, 0.25, np.nan],
        }
    )


def test_markdown_has_three_decimals_and_the_best_of_each_dataset_in_bold(printed, tmp_path):
    write_markdown(printed, tmp_path / "t.md", bold_best=True)
    lines = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert cells == [
        ["chest", "a_b", "1,234,567", "0.123"],
        ["chest", "c", "1", "**0.900**"],
        ["chest", "d", "2", "**0.900**"],
        ["hand_x", "a_b", "3", "**0.250**"],
        ["hand_x", "c", "4", "–"],
    ]


def test_the_chance_level_is_never_bold(tmp_path):
    table = pd.DataFrame({"dataset": ["a"] * 3, "model": ["one", "two", "chance"], "P@1": [0.2, 0.1, 0.3]})
    write_markdown(table, tmp_path / "t.md", bold_best=True)
    assert re.findall(r"\*\*(.+?)\*\*", (tmp_path / "t.md").read_text()) == ["0.200"]


def test_nothing_is_bold_unless_asked_for(printed, tmp_path):
    write_markdown(printed, tmp_path / "t.md")
    write_latex(printed, tmp_path / "t.tex")
    assert "**" not in (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "textbf" not in (tmp_path / "t.tex").read_text(encoding="utf-8")


def test_latex_escapes_names_and_prints_the_best_in_bold(printed, tmp_path):
    write_latex(printed, tmp_path / "t.tex", bold_best=True)
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    assert lines[0] == r"\begin{tabular}{llrr}"
    assert lines[4] == r"chest & a\_b & 1,234,567 & 0.123 \\"
    assert lines[5] == r"chest & c & 1 & \textbf{0.900} \\"
    assert lines[7] == r"hand\_x & a\_b & 3 & \textbf{0.250} \\"
    assert [lines[1], lines[3], lines[9]] == [r"\toprule", r"\midrule", r"\bottomrule"]


def test_the_levels_table_has_one_column_per_level_and_average_and_a_row_for_chance():
    rows = [
        score(value, model=model, level=level, average=average, chance=0.05, k=k)
        for model, value in (("a", 0.5), ("b", 0.7))
        for level in ("pathology", "modality", "pathology_in_region")
        for average in ("macro", "micro")
        for k in (1, 3)
    ]
    levels = levels_table(table(*rows, score(0.99, size="10", images=10)), ["b", "a"])
    columns = [
        f"{level} {average}"
        for level in ("modality", "pathology", "pathology in region")
        for average in ("micro", "macro")
    ]
    assert list(levels) == ["dataset", "model", *columns]
    assert levels["model"].tolist() == ["b", "a", "chance"]
    assert levels[columns].to_numpy().tolist() == [[0.7] * 6, [0.5] * 6, [0.05] * 6]


def test_the_probes_table_has_accuracy_f1_and_area_of_each_probe():
    rows = [
        ("chest", model, probe, metric, average, value)
        for model in ("a", "b")
        for probe in ("logistic", "knn_weighted")
        for metric, average, value in (
            ("accuracy", "micro", 0.1),
            ("f1", "micro", 0.2),
            ("f1", "macro", 0.3),
            ("roc_auc", "macro", 0.4),
        )
    ]
    probes = pd.DataFrame(rows, columns=["dataset", "model", "probe", "metric", "average", "value"])
    main = probes_table(probes, ["b", "a"])
    columns = [f"{probe} {name}" for probe in ("logistic", "knn weighted") for name in ("accuracy", "F1", "AUC")]
    assert list(main) == ["dataset", "model", *columns]
    assert main["model"].tolist() == ["b", "a"]
    assert main[columns].to_numpy().tolist() == [[0.1, 0.3, 0.4] * 2] * 2


def test_pathology_precision_is_the_micro_average_at_the_smallest_depth_in_the_full_index():
    wanted = [score(0.3, model="a"), score(0.6, model="b")]
    other = [score(0.9, k=5), score(0.9, average="macro"), score(0.9, level="modality"), score(0.9, metric="recall")]
    found = pathology_precision(table(*wanted, *other, score(0.9, size="10", images=10)))
    assert found["value"].to_dict() == {"a": 0.3, "b": 0.6}


def test_notes_stand_below_the_table_as_paragraphs_of_plain_text(tmp_path):
    main = retrieval_table(table(score(0.5, model="a_b")), ["a_b"], [1])
    notes = ["5 % of a_b & more.", "Second."]
    write_markdown(main, tmp_path / "plain.md")
    write_markdown(main, tmp_path / "noted.md", notes=notes)
    plain = (tmp_path / "plain.md").read_text()
    assert (tmp_path / "noted.md").read_text() == plain + "\n5 % of a_b & more.\n\nSecond.\n"
    write_latex(main, tmp_path / "noted.tex", notes=notes)
    below = (tmp_path / "noted.tex").read_text().split("\\end{tabular}\n")[1]
    assert below == "\\par\\footnotesize 5 \\% of a\\_b \\& more.\n\\par\\footnotesize Second.\n"
