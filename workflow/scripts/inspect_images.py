"""Join the inspections of a dataset's shards, in the order of the manifest."""

import pandas as pd

from cbir.runs.job import job

with job(snakemake):
    pd.concat(map(pd.read_parquet, snakemake.input), ignore_index=True).to_parquet(
        snakemake.output.inspection, index=False
    )
