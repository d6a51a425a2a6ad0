"""Speed of approximate indexes, and the recall and precision that they lose."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cbir.reporting.figures.style import (
    FONT_SIZE,
    INK,
    ModelStyle,
    add_fill_legend,
    make_grid,
    scale_log,
    spread_out,
    themed,
)

K = 10  # depth at which approximate search is commonly measured, Aumüller et al. 2020
TOP = 1.12  # upper end of the y axis; leaves room above a recall of 1
LETTER_WIDTH = FONT_SIZE * 0.65  # width of a letter in an index's name, in points


@themed
def draw(indexes: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Recall and precision over queries per second: one panel per model, two points per index.

    indexes: rows of the indexes table for one dataset. Filled points are the recall of the exact neighbors. Hollow
    points are the precision for the pathology, micro average. Both are at a depth of 10, or the nearest depth that was
    measured. The name of each index stands above its points.
    """
    shown = indexes[indexes["level"] == "pathology"]
    k = min(shown["k"].unique(), key=lambda depth: (abs(depth - K), depth))
    shown = shown[shown["k"] == k].sort_values("queries_per_second")
    models = [model for model in styles if (shown["model"] == model).any()]
    figure, panels = make_grid(models, 2.0, "queries per second (log scale)", f"share of the first {k} images")
    panels[0].set(xscale="log", ylim=(0, TOP), yticks=(0, 0.25, 0.5, 0.75, 1))
    for model, panel in zip(models, panels, strict=True):
        points, style = shown[shown["model"] == model], styles[model]
        look = {"color": style.color, "marker": style.marker, "ls": ""}
        panel.plot(points["queries_per_second"], points["recall"], label="recall", **look)
        panel.plot(points["queries_per_second"], points["precision_micro"], label="precision", mfc="white", **look)
    add_fill_legend(figure, f"recall at {k}", f"precision at {k}", loc="outside upper center")
    scale_log(panels[0], shown["queries_per_second"], decades_from=20)
    names_height = LETTER_WIDTH * shown["index"].str.len().max()
    for model, panel in zip(models, panels, strict=True):
        panel.set_title(model, pad=names_height + 6)
    figure.draw_without_rendering()  # the panels get their final width here
    for model, panel in zip(models, panels, strict=True):
        _name_indexes(panel, shown[shown["model"] == model].rename(columns={"index": "name"}))
    return figure


def _name_indexes(panel: Axes, points: pd.DataFrame) -> None:
    """Write the name of each index above the panel, over its points and without overlap.

    points: rows of one model, in ascending order of speed.
    """
    left, right = np.log(panel.get_xlim())
    places = (np.log(points["queries_per_second"].to_numpy()) - left) / (right - left)
    line_height = FONT_SIZE * 1.2 / 72 * panel.figure.dpi / panel.get_window_extent().width
    for point, place, above in zip(points.itertuples(), places, spread_out(places, line_height), strict=True):
        leader = {"clip_on": False, "color": INK, "lw": 0.4, "zorder": 1, "transform": panel.transAxes}
        panel.plot([place, place, above], [min(point.recall, point.precision_micro) / TOP, 1 / TOP, 1], **leader)
        look = {"rotation": 90, "ha": "center", "va": "bottom", "transform": panel.transAxes}
        panel.text(above, 1.02, point.name, **look)
