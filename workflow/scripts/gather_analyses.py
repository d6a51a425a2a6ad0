"""Gather an analysis of every dataset and model in one tidy table."""

import pandas as pd

from cbir.reporting.main_tables import write_csv
from cbir.runs.job import job

with job(snakemake):
    tables = [pd.read_csv(path, dtype="str", keep_default_na=False) for path in snakemake.input]
    write_csv(pd.concat(tables), snakemake.output.table)
