"""Gather the comparisons of models on every dataset and index in one tidy table."""

import pandas as pd

from cbir.reporting.main_tables import write_csv
from cbir.runs.job import job

with job(snakemake):
    parts = [
        pd.read_csv(path, float_precision="round_trip", keep_default_na=False, na_values=[""])
        for path in snakemake.input.comparisons
    ]
    write_csv(pd.concat(parts, ignore_index=True), snakemake.output.comparisons)
