"""Make the paper's main table: a row a model, precision at each depth, micro and macro."""

from cbir.jobs import job
from cbir.tables import main_table, read_scores, write_csv, write_latex, write_markdown

with job(snakemake):
    table = main_table(read_scores(snakemake.input.retrieval), snakemake.params.models, snakemake.params.at)
    write_csv(table, snakemake.output.csv)
    write_markdown(table, snakemake.output.markdown, bold_best=True)
    write_latex(table, snakemake.output.latex, bold_best=True)
