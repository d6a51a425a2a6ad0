"""Make a page of the report from a table."""

from cbir.reporting.notes import read_notes
from cbir.reporting.pages import write_page
from cbir.runs.job import job

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    notes = read_notes(given.notes) if given.get("notes") else []
    write_page(given.table, snakemake.output.page, params.template, depths=params.at, notes=notes)
