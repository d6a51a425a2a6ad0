"""Draw a figure of one dataset's scores: precision against depth, against index size, or by level."""

from cbir.figures.index_size import draw_index_size
from cbir.figures.levels import draw_levels
from cbir.figures.precision import draw_precision_at_k
from cbir.figures.style import model_styles, save_figure
from cbir.jobs import job
from cbir.tables import read_scores

DRAWN = {"precision_at_k": draw_precision_at_k, "index_size": draw_index_size, "levels": draw_levels}

with job(snakemake):
    scores = read_scores(snakemake.input.retrieval)
    scores = scores[scores["dataset"] == snakemake.wildcards.dataset]
    figure = DRAWN[snakemake.params.curve](scores, model_styles(snakemake.params.families))
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
