"""Make a page of the report from a table."""

from cbir.jobs import job
from cbir.pages import write_page

with job(snakemake):
    write_page(snakemake.input.table, snakemake.output.page, snakemake.params.template, depths=snakemake.params.at)
