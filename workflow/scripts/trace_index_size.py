"""Trace precision over the size of the index, and say how fast it grows and what size is large enough."""

from cbir.curves import fit_curves, trace_curves
from cbir.jobs import job
from cbir.tables import read_scores, write_csv

with job(snakemake):
    curves = trace_curves(read_scores(snakemake.input.retrieval), snakemake.params.at)
    write_csv(curves, snakemake.output.curves)
    write_csv(fit_curves(curves), snakemake.output.fits)
