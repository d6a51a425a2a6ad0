"""Make a page of the report from a table."""

from cbir.reporting.pages import write_page
from cbir.runs.job import job

with job(snakemake):
    write_page(snakemake.input.table, snakemake.output.page, snakemake.params.template, depths=snakemake.params.at)
