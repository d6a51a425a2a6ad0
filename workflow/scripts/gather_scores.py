"""Gather the scores of every model, dataset, index, size and draw in one tidy table."""

from cbir.jobs import job
from cbir.tables import gather_scores

with job(snakemake):
    gather_scores(snakemake.input.scores).to_csv(snakemake.output.retrieval, index=False)
