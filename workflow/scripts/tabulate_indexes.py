"""Join what was measured of every index in one table."""

import pandas as pd

from cbir.jobs import job
from cbir.tables import write_csv

with job(snakemake):
    write_csv(pd.concat(map(pd.read_csv, snakemake.input.measures)), snakemake.output.indexes)
