"""What an approximate index gains in speed, and what it loses in recall and in precision."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cbir.reporting.figures.style import FONT_SIZE, INK, ModelStyle, make_grid, scale_log, spread_out, themed

K = 10  # at which approximate search is commonly measured, Aumüller et al. 2020
TOP = 1.12  # of the panels, above a recall of 1
LETTER = FONT_SIZE * 0.65  # points, of a name


@themed
def draw_recall_speed(indexes: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Recall and precision against queries a second, a panel a model, a point an index.

    indexes: one dataset's rows of the indexes table. Filled points are recall of the exact neighbors, hollow ones
    precision for the pathology, micro average, both at 10 or the nearest depth measured; each index is named above.
    """
    shown = indexes[indexes["level"] == "pathology"]
    k = min(shown["k"].unique(), key=lambda depth: (abs(depth - K), depth))
    shown = shown[shown["k"] == k].sort_values("queries_per_second")
    models = [model for model in styles if (shown["model"] == model).any()]
    figure, panels = make_grid(models, 2.0, "queries a second (log scale)", f"share of the first {k} images")
    panels[0].set(xscale="log", ylim=(0, TOP), yticks=(0, 0.25, 0.5, 0.75, 1))
    for model, panel in zip(models, panels, strict=True):
        points, style = shown[shown["model"] == model], styles[model]
        look = {"color": style.color, "marker": style.marker, "ls": ""}
        panel.plot(points["queries_per_second"], points["recall"], label="recall", **look)
        panel.plot(points["queries_per_second"], points["precision_micro"], label="precision", mfc="white", **look)
    looks = {f"recall at {k}": INK, f"precision at {k}": "white"}
    keys = [Line2D([], [], color=INK, marker="o", mfc=fill, ls="", label=key) for key, fill in looks.items()]
    figure.legend(handles=keys, loc="outside upper center", ncols=2)
    scale_log(panels[0], shown["queries_per_second"], dense=20)
    room = LETTER * shown["index"].str.len().max()
    for model, panel in zip(models, panels, strict=True):
        panel.set_title(model, pad=room + 6)
    figure.draw_without_rendering()  # the layout settles the panels' width
    for model, panel in zip(models, panels, strict=True):
        _name_above(panel, shown[shown["model"] == model].rename(columns={"index": "name"}))
    return figure


def _name_above(panel: Axes, points: pd.DataFrame) -> None:
    """Name each index above the panel, over its points and without overlap; points ascend by speed."""
    left, right = np.log(panel.get_xlim())
    places = (np.log(points["queries_per_second"].to_numpy()) - left) / (right - left)
    line = FONT_SIZE * 1.2 / 72 * panel.figure.dpi / panel.get_window_extent().width
    for point, place, above in zip(points.itertuples(), places, spread_out(places, line), strict=True):
        leader = {"clip_on": False, "color": INK, "lw": 0.4, "zorder": 1, "transform": panel.transAxes}
        panel.plot([place, place, above], [min(point.recall, point.precision_micro) / TOP, 1 / TOP, 1], **leader)
        look = {"rotation": 90, "ha": "center", "va": "bottom", "transform": panel.transAxes}
        panel.text(above, 1.02, point.name, **look)
