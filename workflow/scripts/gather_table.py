"""Put the rows of several files together in one tidy table."""

from cbir.runs.job import job
from cbir.tidy import gather_tables, write_table

with job(snakemake):
    write_table(gather_tables(snakemake.input, snakemake.params.sort_by), snakemake.output.table)
