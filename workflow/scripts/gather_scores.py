"""Gather the scores of every model, dataset, index, size and draw in one tidy table."""

from cbir.jobs import job
from cbir.tables import gather_scores, write_csv

with job(snakemake):
    write_csv(gather_scores(snakemake.input.scores), snakemake.output.retrieval)
