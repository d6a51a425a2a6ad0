"""Precision of a model over its cost."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import TWO_COLUMNS, ModelStyle, add_model_legend, draw_cross, scale_log, themed
from cbir.reporting.main_tables import pathology_precision

COSTS = {
    "seconds_per_image": "time to embed an image, seconds (log scale)",
    "bytes_per_image": "size of an embedding, bytes (log scale)",
}


@themed
def draw(scores: pd.DataFrame, cost: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k for the pathology over seconds and bytes per image: one point per model.

    scores, cost: rows of the retrieval table for one dataset and one index, and rows of the cost table for that
    dataset. Precision is the micro average with its 95 % confidence interval, for the full index.
    """
    retrieval = pathology_precision(scores)
    models = [model for model in styles if model in retrieval.index]
    cost = cost.set_index("model")
    figure = Figure(figsize=(TWO_COLUMNS, 2.6), layout="constrained")
    panels = figure.subplots(1, len(COSTS), sharey=True)
    panels[0].set_ylabel(f"precision at {retrieval['k'].iloc[0]}")
    for panel, (column, title) in zip(panels, COSTS.items(), strict=True):
        panel.set_xlabel(title)
        scale_log(panel, cost[column], decades_from=100)
        for model in models:
            exact = {"value": cost.loc[model, column], "ci_low": float("nan"), "ci_high": float("nan")}
            draw_cross(panel, pd.Series(exact), retrieval.loc[model], styles[model])
    add_model_legend(figure, models, styles)
    return figure
