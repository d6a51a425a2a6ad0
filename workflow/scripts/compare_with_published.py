"""Put the published figures of other studies beside the scores of the experiment."""

from cbir.reporting.published import compare_with_published, read_figures
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    scores, figures = read_table(snakemake.input.retrieval), read_figures(snakemake.input.figures)
    write_table(compare_with_published(scores, figures, snakemake.params.pairs), snakemake.output.table)
