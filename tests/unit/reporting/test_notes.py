"""Notes below the main tables."""

import pytest

from cbir.reporting.notes import find_notes, read_notes, write_notes
from score_rows import score, table

RAW, CONTROLS = ["pixels"], ["pixels", "untrained"]


def retrieval(pixels: float, encoder: float, **other) -> list[dict]:
    return [
        score(pixels, model="pixels", **other),
        score(encoder, model="vit", **other),
        score(encoder - 0.3, model="resnet", **other),
        score(0.99, model="untrained", **other),
    ]


def test_raw_pixels_close_to_the_best_encoder_are_noted_for_each_dataset():
    scores = table(
        *retrieval(0.844, 0.849), *retrieval(0.32, 0.76, dataset="hand"), *retrieval(0.9, 0.8, dataset="leg")
    )
    assert find_notes("retrieval_main", scores, RAW, CONTROLS) == [
        "Dataset chest, index exact: raw pixels reach P@1 0.844 where the best encoder (vit) reaches 0.849. "
        "Near copies of queries may be in the index; see near_copies_of_queries in the table of datasets.",
        "Dataset leg, index exact: raw pixels reach P@1 0.900 where the best encoder (vit) reaches 0.800. "
        "Near copies of queries may be in the index; see near_copies_of_queries in the table of datasets.",
    ]


@pytest.mark.parametrize(("pixels", "notes"), [(0.45, 1), (0.4375, 0)])
def test_close_is_a_difference_of_at_most_0_05(pixels, notes):
    scores = table(*retrieval(pixels, 0.4921875))  # differences of .042 and .055
    assert len(find_notes("retrieval_main", scores, RAW, CONTROLS)) == notes


def test_only_the_precision_for_the_pathology_in_the_full_index_at_the_smallest_k_counts():
    rows = [
        *retrieval(0.5, 0.9),
        *retrieval(0.9, 0.9, size="10"),
        *retrieval(0.9, 0.9, k=3),
        *retrieval(0.9, 0.9, average="macro"),
        *retrieval(0.9, 0.9, level="modality"),
    ]
    assert find_notes("retrieval_main", table(*rows), RAW, CONTROLS) == []


@pytest.mark.parametrize(("raw", "controls"), [([], ["untrained"]), (RAW, ["pixels", "untrained", "vit", "resnet"])])
def test_there_is_no_note_without_raw_pixels_or_without_an_encoder(raw, controls):
    assert find_notes("retrieval_main", table(*retrieval(0.9, 0.9)), raw, controls) == []


def test_other_tables_have_no_notes():
    assert find_notes("levels_main", table(*retrieval(0.9, 0.9)), RAW, CONTROLS) == []


def test_notes_are_read_as_they_were_written(tmp_path):
    for notes in ([], ["First é.", "Second."]):
        write_notes(notes, tmp_path / "notes.txt")
        assert read_notes(tmp_path / "notes.txt") == notes
