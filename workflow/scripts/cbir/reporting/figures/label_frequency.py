"""Precision of each label, over the number of its images in the index."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import OUTLINE, ModelStyle, make_grid, scale_log, themed

TOP = 1.28  # upper end of the y axis; leaves room for the correlation above a precision of 1


@themed
def draw(label_precision: pd.DataFrame, label_frequency: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k of each label over the number of its images in the index: one panel per model.

    label_precision, label_frequency: rows of these tables for one dataset. Above the points stands Spearman's rank
    correlation with its 95 % confidence interval.
    """
    k = label_precision["k"].min()
    shown = label_precision[(label_precision["k"] == k) & (label_precision["index_images"] > 0)]
    correlations = label_frequency[label_frequency["k"] == k].set_index("model")
    models = [model for model in styles if (label_precision["model"] == model).any()]
    figure, panels = make_grid(models, 1.65, "images of the label in the index (log scale)", f"precision at {k}")
    for model, panel in zip(models, panels, strict=True):
        labels, style = shown[shown["model"] == model].dropna(subset="value"), styles[model]
        look = {"color": style.color, "marker": style.marker, "ls": "", "alpha": 0.75, **OUTLINE}
        panel.plot(labels["index_images"], labels["value"], clip_on=False, **look)
        text = _correlation_text(correlations.loc[model]) if model in correlations.index else "no label with a value"
        panel.text(0.5, 0.97, text, transform=panel.transAxes, ha="center", va="top")
    panels[0].set(ylim=(0, TOP), yticks=(0, 0.25, 0.5, 0.75, 1))
    scale_log(panels[0], shown["index_images"], decades_from=20)
    return figure


def _correlation_text(correlation: pd.Series) -> str:
    if pd.isna(correlation["value"]):
        return "no rank correlation"
    interval = "" if pd.isna(correlation["ci_low"]) else " [{ci_low:.2f}, {ci_high:.2f}]".format(**correlation)
    return f"ρ = {correlation['value']:.2f}{interval}".replace("-", "−")
