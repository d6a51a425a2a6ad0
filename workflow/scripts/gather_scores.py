"""Gather the scores of every model, dataset, index, size and draw in one tidy table."""

from cbir.runs.job import job
from cbir.tidy import SCORE_KEYS, gather_tables, write_table

with job(snakemake):
    write_table(gather_tables(snakemake.input.scores, SCORE_KEYS), snakemake.output.retrieval)
