"""Trace precision over the size of the index, and say how fast it grows and what size is large enough."""

from cbir.evaluation.index_size import fit_curves, trace_curves
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    curves = trace_curves(read_table(snakemake.input.retrieval), snakemake.params.at)
    write_table(curves, snakemake.output.curves)
    write_table(fit_curves(curves), snakemake.output.fits)
