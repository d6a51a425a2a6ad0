"""Precision at k, over k."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from cbir.reporting.figures.style import (
    AVERAGE_TITLES,
    CHANCE_STYLE,
    OUTLINE,
    ModelStyle,
    label_line_ends,
    make_panels,
    themed,
)
from cbir.reporting.main_tables import full_index
from cbir.tidy import AVERAGES, CHANCE

TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@themed
def draw(scores: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at k for the pathology in the full index: one line per model.

    scores: rows of the retrieval table for one dataset. Depths with a 95 % confidence interval have a point and a bar.
    The dotted line is the chance level. There is one row of panels per index: micro average left, macro average right.
    """
    shown = full_index(scores)
    shown = shown[(shown["level"] == "pathology") & (shown["metric"] == "precision")].sort_values("k")
    indexes = sorted(shown["index"].unique())
    models = [model for model in styles if (shown["model"] == model).any()]
    depths = shown["k"].unique()
    marked = shown.loc[shown["ci_low"].notna(), "k"].unique()
    ticks = [*marked, *(k for k in TICKS if k in depths and k > marked.max(initial=0))]
    row_height = max(2.2, 0.14 * len(models) + 0.6)
    figure, panels = make_panels(indexes, [AVERAGE_TITLES[name] for name in AVERAGES], row_height, "precision at k")
    for index, row in zip(indexes, panels, strict=True):
        for average, panel in zip(AVERAGES, row, strict=True):
            lines = shown[(shown["index"] == index) & (shown["average"] == average)].dropna(subset="value")
            for model in models:
                line, style = lines[lines["model"] == model], styles[model]
                panel.plot(line["k"], line["value"], color=style.color, ls=style.dash, label=model)
                points = line[line["k"].isin(ticks)]
                panel.plot(points["k"], points["value"], color=style.color, ls="", marker=style.marker, **OUTLINE)
                panel.vlines(line["k"], line["ci_low"], line["ci_high"], color=style.color, lw=0.7)
            chance = lines.groupby("k")["chance"].first()
            panel.plot(chance.index, chance, color=CHANCE_STYLE.color, ls=CHANCE_STYLE.dash, lw=0.8, label=CHANCE)
    panels[0, 0].set_xscale("log")
    panels[0, 0].set_xticks(ticks)
    panels[0, 0].xaxis.set_major_formatter("{x:.0f}")
    panels[0, 0].xaxis.set_minor_locator(NullLocator())
    for panel in panels[-1]:
        panel.set_xlabel("k, number of images retrieved (log scale)")
    for last in panels[:, -1]:
        label_line_ends(last, styles | {CHANCE: CHANCE_STYLE})
    return figure
