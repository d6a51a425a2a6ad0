"""Trace precision over the size of the index, and say how fast it grows and what size is large enough."""

from cbir.evaluation.index_size import fit_index_size, trace_index_size
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    points = trace_index_size(read_table(snakemake.input.retrieval), snakemake.params.at)
    write_table(points, snakemake.output.points)
    write_table(fit_index_size(points), snakemake.output.fits)
