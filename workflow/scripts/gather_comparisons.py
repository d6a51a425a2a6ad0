"""Gather the comparisons of models on every dataset and index in one tidy table."""

import pandas as pd

from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    parts = [
        pd.read_csv(path, float_precision="round_trip", keep_default_na=False, na_values=[""])
        for path in snakemake.input.comparisons
    ]
    write_table(pd.concat(parts, ignore_index=True), snakemake.output.comparisons)
