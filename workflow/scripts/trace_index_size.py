"""Trace precision over the size of the index, and say how fast it grows and what size is large enough."""

from cbir.evaluation.index_size import fit_curves, trace_curves
from cbir.reporting.main_tables import read_scores, write_csv
from cbir.runs.job import job

with job(snakemake):
    curves = trace_curves(read_scores(snakemake.input.retrieval), snakemake.params.at)
    write_csv(curves, snakemake.output.curves)
    write_csv(fit_curves(curves), snakemake.output.fits)
