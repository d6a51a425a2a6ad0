"""Draw a figure of one model on one dataset: its confusion of labels, or a map of its embeddings."""

from cbir.reporting.figures.confusion import draw_confusion
from cbir.reporting.figures.map import draw_map
from cbir.reporting.figures.style import save_figure
from cbir.runs.job import job
from cbir.tidy import read_table

DRAWN = {"confusion": draw_confusion, "map": draw_map}

with job(snakemake):
    figure = DRAWN[snakemake.params.figure](read_table(snakemake.input.table))
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
