"""Count images, patients and labels of every dataset's splits, and what was left out of them."""

import pandas as pd

from cbir.runs.job import job

with job(snakemake):
    pd.concat(map(pd.read_csv, snakemake.input.counts)).to_csv(snakemake.output.datasets, index=False)
