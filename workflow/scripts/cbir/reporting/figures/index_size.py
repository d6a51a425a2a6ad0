"""Precision over the size of the index."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from cbir.reporting.figures.style import (
    AVERAGE_TITLES,
    INK,
    OUTLINE,
    ModelStyle,
    label_line_ends,
    make_panels,
    themed,
)
from cbir.tidy import AVERAGES

PER_LABEL = "-per-label"  # ending of an index size that takes the same number of images of each label


@themed
def draw(index_size: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k for the pathology over the number of images in the index: one line per model.

    index_size: rows of the index_size table for one dataset. A point is the mean over the draws of a size. Its bar
    goes from the lowest draw to the highest, and the band is the 95 % confidence interval averaged over draws. Sizes
    with the same number of images of each label have lines of their own, dotted with hollow points, because their
    indexes have a different composition. There is one row of panels per index: micro average left, macro average right.
    """
    shown = index_size[index_size["level"] == "pathology"]
    k = shown["k"].min()
    shown = shown[shown["k"] == k]
    shown = shown.assign(is_per_label=shown["index_size"].str.endswith(PER_LABEL))
    indexes = sorted(shown["index"].unique()) or [""]
    models = [model for model in styles if (shown["model"] == model).any()]
    row_height = max(2.2, 0.14 * len(models) + 0.6)
    titles = [AVERAGE_TITLES[name] for name in AVERAGES]
    figure, panels = make_panels(indexes, titles, row_height, "precision" if shown.empty else f"precision at {k}")
    for index, row in zip(indexes, panels, strict=True):
        for average, panel in zip(AVERAGES, row, strict=True):
            points = shown[(shown["index"] == index) & (shown["average"] == average)].dropna(subset="value")
            for model in models:
                _draw_curves(panel, points[points["model"] == model], model, styles[model])
    panels[0, 0].set_xscale("log")
    reach = shown["index_images"].max() / shown["index_images"].min()
    panels[0, 0].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if reach < 1000 else (1,)))
    panels[0, 0].xaxis.set_minor_locator(NullLocator())
    panels[0, 0].xaxis.set_major_formatter("{x:,.0f}")
    for panel in panels[-1]:
        panel.set_xlabel("images in the index (log scale)")
    if shown["is_per_label"].nunique() > 1:
        looks = {"random images": ("-", INK), "as many of each label": (":", "white")}
        keys = [Line2D([], [], color=INK, ls=ls, marker="o", mfc=fill, label=key) for key, (ls, fill) in looks.items()]
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
    for last in panels[:, -1]:
        label_line_ends(last, styles)
    return figure


def _draw_curves(panel: Axes, points: pd.DataFrame, model: str, style: ModelStyle) -> None:
    """Draw one model's line through the random sizes and, separately, its line through the sizes per label."""
    for is_per_label, curve in points.groupby("is_per_label"):
        images, value = curve["index_images"], curve["value"]
        panel.fill_between(images, curve["ci_low"], curve["ci_high"], color=style.color, alpha=0.1, lw=0)
        reach = [value - curve["lowest"], curve["highest"] - value]
        panel.errorbar(images, value, yerr=reach, fmt="none", ecolor=style.color, elinewidth=0.9, capsize=2)
        look = {"ls": ":", "markerfacecolor": "white"} if is_per_label else {"ls": style.dash, **OUTLINE}
        label = model if is_per_label == points["is_per_label"].min() else None  # one label per model
        panel.plot(images, value, color=style.color, marker=style.marker, label=label, **look)
