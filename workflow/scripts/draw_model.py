"""Draw a figure of one model on one dataset: its confusion of labels, or a map of its embeddings."""

from cbir.reporting.figures.confusion import draw_confusion
from cbir.reporting.figures.map import draw_map
from cbir.reporting.figures.style import save_figure
from cbir.reporting.main_tables import read_table
from cbir.runs.job import job

DRAWN = {"confusion": draw_confusion, "map": draw_map}

with job(snakemake):
    figure = DRAWN[snakemake.params.figure](read_table(snakemake.input.table))
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
