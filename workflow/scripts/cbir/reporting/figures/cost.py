"""What a model costs against what it finds."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import TWO_COLUMNS, ModelStyle, add_model_legend, draw_cross, scale_log, themed
from cbir.reporting.main_tables import pathology_precision

COSTS = {
    "seconds_per_image": "time to embed an image, seconds (log scale)",
    "bytes_per_image": "size of an embedding, bytes (log scale)",
}


@themed
def draw_cost(scores: pd.DataFrame, costs: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k for the pathology against seconds and bytes an image, a point a model.

    scores, costs: one dataset's rows of the retrieval table, of one index, and of the cost table. Micro averages with
    their 95 % intervals in the largest size of the index.
    """
    retrieval = pathology_precision(scores)
    models = [model for model in styles if model in retrieval.index]
    costs = costs.set_index("model")
    figure = Figure(figsize=(TWO_COLUMNS, 2.6), layout="constrained")
    panels = figure.subplots(1, len(COSTS), sharey=True)
    panels[0].set_ylabel(f"precision at {retrieval['k'].iloc[0]}")
    for panel, (cost, label) in zip(panels, COSTS.items(), strict=True):
        panel.set_xlabel(label)
        scale_log(panel, costs[cost], dense=100)
        for model in models:
            value = {"value": costs.loc[model, cost], "ci_low": float("nan"), "ci_high": float("nan")}
            draw_cross(panel, pd.Series(value), retrieval.loc[model], styles[model])
    add_model_legend(figure, models, styles)
    return figure
