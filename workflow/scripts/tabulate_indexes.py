"""Join what was measured of every index in one table."""

import pandas as pd

from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    write_table(pd.concat(map(pd.read_csv, snakemake.input.measures)), snakemake.output.indexes)
