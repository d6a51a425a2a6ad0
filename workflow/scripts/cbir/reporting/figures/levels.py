"""Precision for modality, anatomic region and pathology beside each other."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cbir.reporting.figures.style import AVERAGES, CHANCE, INK, ModelStyle, make_panels, themed
from cbir.reporting.main_tables import largest_index

LEVELS = {
    "modality": "modality",
    "anatomic_region": "anatomic region",
    "pathology": "pathology",
    "pathology_in_region": "pathology in region",
}
OFFSETS = {"micro": -0.17, "macro": 0.17}  # from a model's row, in rows


@themed
def draw_levels(scores: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k in the largest index, a panel a level, a row a model, the best one on top.

    scores: one dataset's rows of the retrieval table. Filled points are micro, hollow ones macro averages, bars their
    95 % intervals; the best is the one with the highest micro average for the pathology. The last row is the chance
    level, with a line up to the models. A row of panels for each index.
    """
    shown = largest_index(scores)
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
                height = models.index(point.model) + OFFSETS[point.average]
                panel.hlines(height, point.ci_low, point.ci_high, color=styles[point.model].color, lw=0.9)
                _draw_point(panel, point.value, height, styles[point.model], point.average)
            for average, chance in points.groupby("average")["chance"].first().items():
                height = len(models) + OFFSETS[average]
                panel.vlines(chance, -0.5, height, color=CHANCE.color, ls=CHANCE.dash, lw=0.7)
                _draw_point(panel, chance, height, CHANCE, average)
    panels[0, 0].set_xlim(0, 1.02)
    panels[0, 0].set_ylim(len(models) + 0.5, -0.5)
    panels[0, 0].set_yticks(range(len(models) + 1), [*models, "chance"])
    for panel in panels.flat:
        panel.tick_params(axis="y", length=0)
    for panel in panels[-1]:
        panel.set_xlabel(f"precision at {k}")
    keys = {"micro": INK, "macro": "white"}
    points = [Line2D([], [], color=INK, marker="o", mfc=keys[name], ls="", label=AVERAGES[name]) for name in keys]
    figure.legend(handles=points, loc="outside lower center", ncols=2)
    return figure


def _draw_point(panel: Axes, value: float, height: float, style: ModelStyle, average: str) -> None:
    fill = style.color if average == "micro" else "white"
    panel.plot([value], [height], color=style.color, marker=style.marker, mfc=fill, ls="", clip_on=False)
