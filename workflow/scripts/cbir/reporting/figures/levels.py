"""Precision for modality, anatomic region and pathology, beside each other."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import (
    AVERAGE_TITLES,
    CHANCE_STYLE,
    ModelStyle,
    add_fill_legend,
    draw_point,
    make_panels,
    themed,
)
from cbir.reporting.main_tables import full_index
from cbir.tidy import CHANCE

LEVELS = {
    "modality": "modality",
    "anatomic_region": "anatomic region",
    "pathology": "pathology",
    "pathology_in_region": "pathology in region",
}
OFFSETS = {"micro": -0.17, "macro": 0.17}  # distance of a point from the middle of its model's row, in rows


@themed
def draw(scores: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k in the full index: one panel per level, one row per model, the best model on top.

    scores: rows of the retrieval table for one dataset. Filled points are micro averages, hollow points are macro
    averages, and bars are their 95 % confidence intervals. The best model has the highest micro average for the
    pathology. The last row is the chance level, with a line up through the models. There is one row of panels per
    index.
    """
    shown = full_index(scores)
    shown = shown[shown["metric"] == "precision"]
    k = shown["k"].min()
    shown = shown[(shown["k"] == k) & shown["level"].isin(LEVELS)]
    levels = [level for level in LEVELS if (shown["level"] == level).any()]
    is_ranked = (shown["level"] == "pathology") & (shown["average"] == "micro")
    ranks = shown[is_ranked].groupby("model")["value"].mean().sort_values(ascending=False, kind="stable")
    models = list(ranks.index)
    indexes = sorted(shown["index"].unique())
    row_height = 0.22 * len(models) + 0.75
    figure, panels = make_panels(indexes, [LEVELS[level] for level in levels], row_height, "")
    for index, row in zip(indexes, panels, strict=True):
        for level, panel in zip(levels, row, strict=True):
            points = shown[(shown["index"] == index) & (shown["level"] == level)]
            for point in points.itertuples():
                height, style = models.index(point.model) + OFFSETS[point.average], styles[point.model]
                panel.hlines(height, point.ci_low, point.ci_high, color=style.color, lw=0.9)
                draw_point(panel, point.value, height, style, is_filled=point.average == "micro")
            for average, chance in points.groupby("average")["chance"].first().items():
                height = len(models) + OFFSETS[average]
                panel.vlines(chance, -0.5, height, color=CHANCE_STYLE.color, ls=CHANCE_STYLE.dash, lw=0.7)
                draw_point(panel, chance, height, CHANCE_STYLE, is_filled=average == "micro")
    panels[0, 0].set_xlim(0, 1.02)
    panels[0, 0].set_ylim(len(models) + 0.5, -0.5)
    panels[0, 0].set_yticks(range(len(models) + 1), [*models, CHANCE])
    for panel in panels.flat:
        panel.tick_params(axis="y", length=0)
    for panel in panels[-1]:
        panel.set_xlabel(f"precision at {k}")
    add_fill_legend(figure, AVERAGE_TITLES["micro"], AVERAGE_TITLES["macro"])
    return figure
