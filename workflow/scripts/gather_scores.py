"""Gather the scores of every model, dataset, index, size and draw in one tidy table."""

from cbir.reporting.main_tables import gather_scores, write_csv
from cbir.runs.job import job

with job(snakemake):
    write_csv(gather_scores(snakemake.input.scores), snakemake.output.retrieval)
