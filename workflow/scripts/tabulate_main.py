"""Make a table as the paper prints it: a row a model, as CSV, Markdown and LaTeX."""

from cbir.reporting.main_tables import (
    levels_table,
    main_table,
    probes_table,
    write_latex,
    write_markdown,
)
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    params, tidy = snakemake.params, snakemake.input.tidy
    if params.table == "retrieval":
        table = main_table(read_table(tidy), params.models, params.at)
    elif params.table == "levels":
        table = levels_table(read_table(tidy), params.models)
    else:
        table = probes_table(read_table(tidy), params.models)
    write_table(table, snakemake.output.csv)
    write_markdown(table, snakemake.output.markdown, bold_best=True)
    write_latex(table, snakemake.output.latex, bold_best=True)
