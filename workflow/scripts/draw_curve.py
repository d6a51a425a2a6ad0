"""Draw a figure of one dataset's tables: its models, its indexes or its labels against each other."""

from cbir.reporting.figures.comparisons import draw_comparisons
from cbir.reporting.figures.cost import draw_cost
from cbir.reporting.figures.embedding_quality import draw_embedding_quality
from cbir.reporting.figures.index_size import draw_index_size
from cbir.reporting.figures.label_frequency import draw_label_frequency
from cbir.reporting.figures.levels import draw_levels
from cbir.reporting.figures.precision import draw_precision_at_k
from cbir.reporting.figures.recall_speed import draw_recall_speed
from cbir.reporting.figures.style import model_styles, save_figure
from cbir.runs.job import job
from cbir.tidy import read_table

DRAWN = {
    "comparisons": draw_comparisons,
    "cost": draw_cost,
    "embedding_quality": draw_embedding_quality,
    "index_size": draw_index_size,
    "label_frequency": draw_label_frequency,
    "levels": draw_levels,
    "precision_at_k": draw_precision_at_k,
    "recall_speed": draw_recall_speed,
}

with job(snakemake):
    params = snakemake.params
    tables = [read_table(path) for path in snakemake.input]
    tables = [table[table["dataset"] == snakemake.wildcards.dataset] for table in tables]
    if params.index is not None:
        tables = [table[table["index"] == params.index] if "index" in table else table for table in tables]
    figure = DRAWN[params.curve](*tables, model_styles(params.families))
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
