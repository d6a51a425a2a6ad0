"""Gather an analysis of every dataset and model in one tidy table."""

import pandas as pd

from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    tables = [pd.read_csv(path, dtype="str", keep_default_na=False) for path in snakemake.input]
    write_table(pd.concat(tables), snakemake.output.table)
