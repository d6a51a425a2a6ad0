"""Precision of each label against its images in the index."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import OUTLINE, ModelStyle, make_grid, scale_log, themed

HEADROOM = 1.28  # of the panels, where the correlation stands above the points


@themed
def draw_label_frequency(precision: pd.DataFrame, correlations: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k of each label against its images in the index, a panel a model.

    precision, correlations: one dataset's rows of the label_precision and the label_frequency table. Above the points
    stands Spearman's rank correlation with its 95 % interval.
    """
    k = precision["k"].min()
    shown = precision[(precision["k"] == k) & (precision["index_images"] > 0)]
    correlated = correlations[correlations["k"] == k].set_index("model")
    models = [model for model in styles if (precision["model"] == model).any()]
    figure, panels = make_grid(models, 1.65, "images of the label in the index (log scale)", f"precision at {k}")
    for model, panel in zip(models, panels, strict=True):
        labels, style = shown[shown["model"] == model].dropna(subset="value"), styles[model]
        look = {"color": style.color, "marker": style.marker, "ls": "", "alpha": 0.75, **OUTLINE}
        panel.plot(labels["index_images"], labels["value"], clip_on=False, **look)
        text = _describe(correlated.loc[model]) if model in correlated.index else "no label with a value"
        panel.text(0.5, 0.97, text, transform=panel.transAxes, ha="center", va="top")
    panels[0].set(ylim=(0, HEADROOM), yticks=(0, 0.25, 0.5, 0.75, 1))
    scale_log(panels[0], shown["index_images"], dense=20)
    return figure


def _describe(correlation: pd.Series) -> str:
    if pd.isna(correlation["value"]):
        return "no rank correlation"
    interval = "" if pd.isna(correlation["ci_low"]) else " [{ci_low:.2f}, {ci_high:.2f}]".format(**correlation)
    return f"ρ = {correlation['value']:.2f}{interval}".replace("-", "−")
