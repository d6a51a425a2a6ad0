"""Join what was measured of every index in one table."""

import pandas as pd

from cbir.reporting.main_tables import write_csv
from cbir.runs.job import job

with job(snakemake):
    write_csv(pd.concat(map(pd.read_csv, snakemake.input.measures)), snakemake.output.indexes)
