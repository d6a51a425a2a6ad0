"""Precision for modality, anatomic region and pathology beside each other."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cbir.figures.style import ModelStyle, make_panels, themed
from cbir.tables import largest_index

LEVELS = {"modality": "modality", "anatomic_region": "anatomic region", "pathology": "pathology"}
OFFSETS = {"micro": -0.17, "macro": 0.17}  # from a model's row, in rows


@themed
def draw_levels(scores: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k in the largest index, a panel a level, a row a model, the best one on top.

    scores: one dataset's rows of the retrieval table. Filled points are micro, hollow ones macro averages, bars their
    95 % intervals; the best is the one with the highest micro average for the pathology. A row of panels for each
    index.
    """
    shown = largest_index(scores)
    shown = shown[shown["metric"] == "precision"]
    k = shown["k"].min()
    shown = shown[(shown["k"] == k) & shown["level"].isin(LEVELS)]
    levels = [level for level in LEVELS if (shown["level"] == level).any()]
    is_ranked = (shown["level"] == levels[-1]) & (shown["average"] == "micro")
    ranks = shown[is_ranked].groupby("model")["value"].mean().sort_values(ascending=False, kind="stable")
    models = list(ranks.index)
    indexes = sorted(shown["index"].unique())
    row_height = 0.22 * len(models) + 0.5
    figure, panels = make_panels(indexes, [LEVELS[level] for level in levels], row_height, "")
    for index, row in zip(indexes, panels, strict=True):
        for level, panel in zip(levels, row, strict=True):
            points = shown[(shown["index"] == index) & (shown["level"] == level)]
            for point in points.itertuples():
                _draw_point(panel, point, models.index(point.model) + OFFSETS[point.average], styles[point.model])
    panels[0, 0].set_xlim(0, 1.02)
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    panels[0, 0].set_yticks(range(len(models)), models)
    for panel in panels.flat:
        panel.tick_params(axis="y", length=0)
    for panel in panels[-1]:
        panel.set_xlabel(f"precision at {k}\n(filled: micro, hollow: macro)")
    return figure


def _draw_point(panel: Axes, point: tuple, height: float, style: ModelStyle) -> None:
    fill = style.color if point.average == "micro" else "white"
    panel.hlines(height, point.ci_low, point.ci_high, color=style.color, lw=0.9)
    panel.plot([point.value], [height], color=style.color, marker=style.marker, mfc=fill, ls="", clip_on=False)
