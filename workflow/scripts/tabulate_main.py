"""Make a table as the paper prints it, one row per model, as CSV, Markdown and LaTeX."""

from cbir.reporting.main_tables import make_main_table, write_latex, write_markdown
from cbir.reporting.notes import find_notes, write_notes
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    tidy = read_table(snakemake.input.tidy)
    table = make_main_table(params.table, tidy, params.models, params.at)
    notes = find_notes(params.table, tidy, params.raw_pixels, params.controls)
    write_notes(notes, output.notes)
    write_table(table, output.csv)
    write_markdown(table, output.markdown, bold_best=True, notes=notes)
    write_latex(table, output.latex, bold_best=True, notes=notes)
