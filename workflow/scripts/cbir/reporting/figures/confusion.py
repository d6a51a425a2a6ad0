"""The labels of the nearest images against those of the queries."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cbir.reporting.figures.style import (
    FONT_SIZE,
    INK,
    LETTERS_PER_INCH,
    ONE_COLUMN,
    TWO_COLUMNS,
    shorten,
    spread_out,
    themed,
)

NAMED = 40  # labels that have a line of their own in two columns; beyond it regions are named alone
LETTERS = 24  # of a pathology's name
LINE = 0.115  # inches
BAR = 0.6  # inches, for the colours above the matrix
NO_QUERY = "#d9d9d9"


@themed
def draw_confusion(confusion: pd.DataFrame) -> Figure:
    """The share of each label's queries (rows) whose nearest image has each label (columns).

    confusion: one dataset's and model's rows of the confusion table. Labels are ordered by modality, anatomic region
    and pathology; thin lines part the regions, thick ones the modalities. Rows of labels without a query are grey.
    """
    import seaborn as sns

    labels = sorted({*confusion["label"], *confusion["neighbor_label"]} - {""}, key=lambda label: label.split("/"))
    shares = confusion.pivot(index="label", columns="neighbor_label", values="share").fillna(0)  # noqa: PD010
    shares = shares.reindex(index=labels, columns=labels)
    shares = shares.where(shares.isna().all(axis=1), shares.fillna(0), axis=0)
    parts = [label.split("/") for label in labels]
    pathologies = [shorten(pathology, LETTERS) for _, _, pathology in parts]
    groups = pd.Series([f"{modality} {region}" for modality, region, _ in parts])
    named = len(labels) <= NAMED
    names = max(map(len, pathologies)) / LETTERS_PER_INCH if named else 0
    beside = names + groups.str.len().max() / LETTERS_PER_INCH + 0.6
    width = ONE_COLUMN if beside + LINE * len(labels) <= ONE_COLUMN and named else TWO_COLUMNS
    figure = Figure(figsize=(width, width - beside + names + BAR + 0.4), layout="constrained")
    panel = figure.subplots()
    ticks = pathologies if named else False
    look = {"vmin": 0, "vmax": 1, "cmap": "Blues", "cbar": False, "rasterized": True}
    sns.heatmap(shares, ax=panel, xticklabels=ticks, yticklabels=ticks, **look)
    panel.grid(False)
    panel.set(facecolor=NO_QUERY, xlabel="label of the nearest image", ylabel="label of the query")
    panel.tick_params(length=0, pad=2)
    for spine in panel.spines.values():
        spine.set(visible=True, linewidth=0.9)
    modalities = [modality for modality, _, _ in parts]
    for place in np.flatnonzero(groups[1:].to_numpy() != groups[:-1].to_numpy()) + 1:
        width = 0.9 if modalities[place] != modalities[place - 1] else 0.3
        panel.axhline(place, color=INK, lw=width)
        panel.axvline(place, color=INK, lw=width)
    bar = figure.colorbar(panel.collections[0], ax=panel, location="top", shrink=0.6, aspect=30)
    bar.set_label("share of the label's queries")
    bar.outline.set_visible(False)
    _name_groups(panel, groups)
    return figure


def _name_groups(panel: Axes, groups: pd.Series) -> None:
    """Name each group of rows right of the matrix, at its middle and without overlap."""
    panel.figure.draw_without_rendering()  # the layout settles the panel's height
    middles = pd.Series(range(len(groups))).groupby(groups, sort=False).mean()[::-1]
    heights = 1 - (middles.to_numpy() + 0.5) / len(groups)
    line = FONT_SIZE * 1.2 / 72 * panel.figure.dpi / panel.get_window_extent().height
    for name, height, place in zip(middles.index, heights, spread_out(heights, line), strict=True):
        leader = {"clip_on": False, "color": INK, "transform": panel.transAxes, "linewidth": 0.5}
        panel.plot([1, 1.02, 1.04], [height, place, place], **leader)
        panel.annotate(name, (1.05, place), xycoords="axes fraction", va="center", annotation_clip=False)
