"""Labels of the nearest images, by label of the query."""

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
    ModelStyle,
    shorten,
    spread_out,
    themed,
)

MOST_NAMED = 40  # with more labels than this, their names have no room and only the regions are named
LONGEST_NAME = 24  # longest pathology name, in letters
LINE_HEIGHT = 0.115  # smallest height of a row with a name, in inches
BAR_HEIGHT = 0.6  # height of the colour bar above the matrix, in inches
NO_QUERY = "#d9d9d9"


@themed
def draw(confusion: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Share of each label's queries (rows) whose nearest image has each label (columns).

    confusion: rows of the confusion table for one dataset and one model. Labels are in the order of modality, anatomic
    region and pathology. Thin lines separate regions, thick lines separate modalities. Rows of labels without a query
    are grey.
    """
    import seaborn as sns

    labels = sorted({*confusion["label"], *confusion["neighbor_label"]} - {""}, key=lambda label: label.split("/"))
    parts = [label.split("/") for label in labels]
    names = [shorten(pathology, LONGEST_NAME) for _, _, pathology in parts]
    groups = pd.Series([f"{modality} {region}" for modality, region, _ in parts])
    is_named = len(labels) <= MOST_NAMED
    names_width = max(map(len, names)) / LETTERS_PER_INCH if is_named else 0
    beside = names_width + groups.str.len().max() / LETTERS_PER_INCH + 0.6
    has_room = is_named and beside + LINE_HEIGHT * len(labels) <= ONE_COLUMN
    width = ONE_COLUMN if has_room else TWO_COLUMNS
    figure = Figure(figsize=(width, width - beside + names_width + BAR_HEIGHT + 0.4), layout="constrained")
    panel = figure.subplots()
    ticks = names if is_named else False
    look = {"vmin": 0, "vmax": 1, "cmap": "Blues", "cbar": False, "rasterized": True}
    sns.heatmap(_share_matrix(confusion, labels), ax=panel, xticklabels=ticks, yticklabels=ticks, **look)
    panel.grid(False)
    panel.set(facecolor=NO_QUERY, xlabel="label of the nearest image", ylabel="label of the query")
    panel.tick_params(length=0, pad=2)
    for spine in panel.spines.values():
        spine.set(visible=True, linewidth=0.9)
    _separate_groups(panel, groups, [modality for modality, _, _ in parts])
    bar = figure.colorbar(panel.collections[0], ax=panel, location="top", shrink=0.6, aspect=30)
    bar.set_label("share of the label's queries")
    bar.outline.set_visible(False)
    _name_groups(panel, groups)
    return figure


def _share_matrix(confusion: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Shares as a (labels, labels) table; the row of a label without a query is NaN."""
    shares = confusion.pivot(index="label", columns="neighbor_label", values="share").fillna(0)  # noqa: PD010
    has_queries = pd.Series(labels, index=labels).isin(shares.index)
    shares = shares.reindex(index=labels, columns=labels, fill_value=0)
    return shares.where(has_queries, axis=0)


def _separate_groups(panel: Axes, groups: pd.Series, modalities: list[str]) -> None:
    """Draw a thin line between two regions and a thick line between two modalities."""
    for place in np.flatnonzero(groups[1:].to_numpy() != groups[:-1].to_numpy()) + 1:
        width = 0.9 if modalities[place] != modalities[place - 1] else 0.3
        panel.axhline(place, color=INK, lw=width)
        panel.axvline(place, color=INK, lw=width)


def _name_groups(panel: Axes, groups: pd.Series) -> None:
    """Write the name of each group of rows right of the matrix, at the group's middle and without overlap."""
    panel.figure.draw_without_rendering()  # the panel gets its final height here
    middles = pd.Series(range(len(groups))).groupby(groups, sort=False).mean()[::-1]
    heights = 1 - (middles.to_numpy() + 0.5) / len(groups)
    line_height = FONT_SIZE * 1.2 / 72 * panel.figure.dpi / panel.get_window_extent().height
    for name, height, place in zip(middles.index, heights, spread_out(heights, line_height), strict=True):
        leader = {"clip_on": False, "color": INK, "transform": panel.transAxes, "linewidth": 0.5}
        panel.plot([1, 1.02, 1.04], [height, place, place], **leader)
        panel.annotate(name, (1.05, place), xycoords="axes fraction", va="center", annotation_clip=False)
