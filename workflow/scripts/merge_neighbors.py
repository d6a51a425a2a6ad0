"""Merge the neighbors that the parts of an index gave."""

from cbir.retrieval.neighbors import load_neighbors, merge_neighbors, save_neighbors
from cbir.runs.job import job

with job(snakemake):
    parts = [load_neighbors(path) for path in snakemake.input.neighbors]
    save_neighbors(merge_neighbors(parts, snakemake.params.k), snakemake.output.neighbors)
