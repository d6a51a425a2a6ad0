"""Notes below a table for print: what a reader should know about its numbers before comparing them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cbir.files import whole_file
from cbir.reporting.main_tables import pathology_precision

CLOSE = 0.05  # difference of precision below which raw pixels count as close to the best encoder


def find_notes(name: str, table: pd.DataFrame, raw_pixels: Sequence[str], controls: Sequence[str]) -> list[str]:
    """The notes of a main table, by its name.

    table: the tidy table that it is made from. raw_pixels: the models whose embedding is the image itself. controls:
    the models that are no trained encoders. Returns one sentence or more per note; most tables have none.
    """
    return note_raw_pixels(table, raw_pixels, controls) if name == "retrieval_main" else []


def note_raw_pixels(scores: pd.DataFrame, raw_pixels: Sequence[str], controls: Sequence[str]) -> list[str]:
    """A note for each dataset and index where raw pixels come within 0.05 of the best encoder.

    Compared is the precision at the smallest k for the pathology in the full index, micro average. Raw pixels say
    little about the content of an image. Where they find as well as an encoder, images of the index look nearly the
    same as queries.

    scores: the retrieval table. raw_pixels, controls: as in `find_notes`.

    >>> keys = {"dataset": "mine", "index": "exact", "index_size": "full", "level": "pathology", "average": "micro"}
    >>> scores = pd.DataFrame([keys | {"metric": "precision", "k": 1}] * 2).assign(model=["pixels", "vit"])
    >>> note_raw_pixels(scores.assign(value=[0.844, 0.849]), ["pixels"], ["pixels"])[0].split(":")[0]
    'Dataset mine, index exact'
    """
    notes = []
    for (dataset, index), rows in scores.groupby(["dataset", "index"], sort=False):
        precision = pathology_precision(rows)
        values = precision["value"].dropna()
        pixels, encoders = values[values.index.isin(raw_pixels)], values[~values.index.isin(controls)]
        if len(pixels) and len(encoders) and encoders.max() - pixels.max() <= CLOSE:
            depth, best = precision["k"].iloc[0], encoders.idxmax()
            notes.append(
                f"Dataset {dataset}, index {index}: raw pixels reach P@{depth} {pixels.max():.3f} where the best "
                f"encoder ({best}) reaches {encoders.max():.3f}. Near copies of queries may be in the index; see "
                "near_copies_of_queries in the table of datasets."
            )
    return notes


def write_notes(notes: Sequence[str], path: str | Path) -> None:
    """Write notes to a text file, one per line."""
    with whole_file(path) as partial:
        partial.write_text("".join(f"{note}\n" for note in notes), encoding="utf-8")


def read_notes(path: str | Path) -> list[str]:
    """Read the notes that write_notes wrote."""
    return Path(path).read_text(encoding="utf-8").splitlines()
