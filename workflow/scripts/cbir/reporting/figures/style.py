"""What all figures share: theme, widths, a look for each model, panels, names at the ends of lines, and saving."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from cbir.files import whole_file

ONE_COLUMN = 3.5  # width of a column of a page, in inches
TWO_COLUMNS = 7.2  # width of a page, in inches
GRID_COLUMNS = 4  # largest number of panels beside each other in a grid
FONT_SIZE = 7.0  # smallest size that journals print, in points
LETTERS_PER_INCH = 17  # average of text at FONT_SIZE
TITLE_LETTERS_PER_INCH = 14  # average of a panel's title, which is larger
LEGEND_LETTERS = 6  # room for a marker and the space around a name in a legend, in letters
INK = "#262626"

THEME = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelsize": FONT_SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": FONT_SIZE + 1,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures are the same on every machine
    "font.size": FONT_SIZE,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "pdf.fonttype": 42,  # text in the PDF stays text
    "savefig.dpi": 200,
    "xtick.labelsize": FONT_SIZE,
    "xtick.major.width": 0.6,
    "ytick.labelsize": FONT_SIZE,
    "ytick.major.width": 0.6,
}
themed = mpl.rc_context(THEME)  # decorates every draw function, because a text takes its size when it is made

# Okabe & Ito 2008 without yellow and black, then wine and indigo of Tol; readers with protanopia or deuteranopia can
# tell them apart
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#332288")
GREYS = ("#4d4d4d", "#8c8c8c", "#b3b3b3")
MARKERS = {"supervised": "o", "self-supervised": "s", "weakly-supervised": "^", "segmentation": "D", "control": "v"}
OTHER_MARKER = "P"  # marker of a model without a known family, such as a model of released embeddings
OUTLINE = {"markeredgecolor": "white", "markeredgewidth": 0.4}  # separates a marker from the lines below it
AVERAGE_TITLES = {"micro": "micro average (over queries)", "macro": "macro average (over labels)"}
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))  # the next dash begins when all colours have been used


@dataclass(frozen=True)
class ModelStyle:
    """Look of one model in every figure."""

    color: str
    marker: str
    dash: str | tuple


CHANCE_STYLE = ModelStyle(INK, "X", (0, (1, 1.5)))


def model_styles(families: dict[str, str]) -> dict[str, ModelStyle]:
    """Look of each model, by model name. Controls are grey, other models get a colour by their position.

    families: family of each model, by model name, in the experiment's order of models. It decides the marker. A model
    keeps its look when other models are added after it.

    >>> styles = model_styles({"resnet50": "supervised", "pixels": "control"})
    >>> styles["resnet50"].color, styles["pixels"].color
    ('#0072B2', '#4d4d4d')
    """
    styles = {}
    used = {True: 0, False: 0}
    for model, family in families.items():
        is_control = family == "control"
        palette = GREYS if is_control else COLORS
        cycle, place = divmod(used[is_control], len(palette))
        used[is_control] += 1
        styles[model] = ModelStyle(palette[place], MARKERS.get(family, OTHER_MARKER), DASHES[cycle % len(DASHES)])
    return styles


def make_panels(
    rows: Sequence[str], columns: Sequence[str], row_height: float, ylabel: str
) -> tuple[Figure, np.ndarray]:
    """A figure of panels with shared axes and a title over each column. Several rows are named too.

    rows: names of the indexes. columns: titles. row_height: inches. Returns the figure and the (rows, columns) array
    of its axes. The figure is two columns of a page wide, or one where there is a single column of panels.
    """
    width = TWO_COLUMNS if len(columns) > 1 else ONE_COLUMN
    figure = Figure(figsize=(width, row_height * len(rows) + 0.4), layout="constrained")
    panels = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for panel, title in zip(panels[0], columns, strict=True):
        panel.set_title(title)
    for panel, title in zip(panels[:, 0], rows, strict=True):
        panel.set_ylabel(f"index {title}\n{ylabel}" if len(rows) > 1 else ylabel)
    return figure, panels


def make_grid(titles: Sequence[str], row_height: float, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """A figure with one panel per title, at most four in a row, with shared axes.

    row_height: inches. Returns the figure, two columns of a page wide, and its axes in the order of the titles.
    """
    fitting = int(TWO_COLUMNS * TITLE_LETTERS_PER_INCH / (max(map(len, titles)) + 2))
    rows = -(-len(titles) // min(max(fitting, 1), GRID_COLUMNS))
    columns = -(-len(titles) // rows)
    figure = Figure(figsize=(TWO_COLUMNS, row_height * rows + 0.4), layout="constrained")
    places = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    panels, spare = places[: len(titles)], places[len(titles) :]
    for panel in spare:
        panel.remove()
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(title)
    for panel in panels[-columns:]:
        panel.tick_params(labelbottom=True)
    figure.supxlabel(xlabel, fontsize=FONT_SIZE)
    figure.supylabel(ylabel, fontsize=FONT_SIZE)
    return figure, panels


def add_model_legend(figure: Figure, models: Sequence[str], styles: dict[str, ModelStyle]) -> None:
    """Add a legend below the figure with the colour and marker of each model, in as many columns as fit."""
    look = {"ls": "", **OUTLINE}
    keys = [Line2D([], [], color=styles[name].color, marker=styles[name].marker, label=name, **look) for name in models]
    letters = max(map(len, models), default=0) + LEGEND_LETTERS
    columns = int(figure.get_figwidth() * LETTERS_PER_INCH / letters)
    figure.legend(handles=keys, loc="outside lower center", ncols=max(1, min(columns, len(models))))


def add_fill_legend(figure: Figure, filled: str, hollow: str, loc: str = "outside lower center") -> None:
    """Add a legend that gives the meaning of filled and of hollow points."""
    fills = {filled: INK, hollow: "white"}
    keys = [Line2D([], [], color=INK, marker="o", mfc=fill, ls="", label=name) for name, fill in fills.items()]
    figure.legend(handles=keys, loc=loc, ncols=2)


def scale_log(panel: Axes, values: pd.Series, decades_from: float) -> None:
    """Give the panel a logarithmic x axis around positive values. Its end is at least five times its beginning.

    decades_from: ratio of the largest to the smallest value from which only decades have a tick. Below it, 1, 2 and 5
    of each decade have one.
    """
    low, high = values.min(), values.max()
    middle, reach = np.sqrt(low * high), max(np.sqrt(high / low) * 1.2, np.sqrt(5))
    panel.set(xscale="log", xlim=(middle / reach, middle * reach))
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < decades_from * low else (1,)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:,.9g}")


def shorten(name: str, letters: int) -> str:
    """The name, cut to a number of letters.

    >>> shorten("tear of the ligament", 9)
    'tear of…'
    """
    return name if len(name) <= letters else name[: letters - 1].rstrip() + "…"


def draw_point(panel: Axes, across: float, up: float, style: ModelStyle, is_filled: bool) -> None:
    """Draw one point in the look of a model, filled or hollow."""
    fill = style.color if is_filled else "white"
    panel.plot([across], [up], color=style.color, marker=style.marker, mfc=fill, ls="", clip_on=False)


def draw_cross(panel: Axes, across: pd.Series, up: pd.Series, style: ModelStyle) -> None:
    """Draw one point at two estimates, with the interval of each as a bar.

    across, up: `value`, `ci_low` and `ci_high` of an estimate; NaN draws no bar.
    """
    panel.hlines(up["value"], across["ci_low"], across["ci_high"], color=style.color, lw=0.7)
    panel.vlines(across["value"], up["ci_low"], up["ci_high"], color=style.color, lw=0.7)
    panel.plot([across["value"]], [up["value"]], color=style.color, marker=style.marker, ls="", **OUTLINE)


def label_line_ends(panel: Axes, styles: dict[str, ModelStyle]) -> None:
    """Write the name of each model's line at the panel's right edge, near the line's end and without overlap.

    styles: look of each model, by model name. Lines whose label is not among them get no name.
    """
    lines = {line.get_label(): line.get_xydata() for line in panel.get_lines() if line.get_label() in styles}
    ends = {model: points[-1] for model, points in lines.items() if len(points)}
    if not ends:
        return
    panel.set(xlim=panel.get_xlim(), ylim=panel.get_ylim())  # the leaders drawn below must not change the limits
    panel.figure.draw_without_rendering()  # the panel gets its final height here
    box = panel.get_window_extent()
    line_height = FONT_SIZE * 1.15 / 72 * panel.figure.dpi / box.height
    models = sorted(ends, key=lambda model: ends[model][1])
    corners = panel.transAxes.inverted().transform(panel.transData.transform([ends[model] for model in models]))
    for model, (end, height), label in zip(models, corners, spread_out(corners[:, 1], line_height), strict=True):
        style = styles[model]
        leader = {"clip_on": False, "color": style.color, "transform": panel.transAxes}
        panel.plot([end, 1.03, 1.06], [height, label, label], linewidth=0.5, **leader)
        panel.plot([1.06], [label], marker=style.marker, **OUTLINE, **leader)
        panel.annotate(model, (1.085, label), xycoords="axes fraction", va="center", annotation_clip=False)


def spread_out(places: np.ndarray, gap: float) -> np.ndarray:
    """Places with at least `gap` between neighbors that are nearest to the given ones (least squares).

    places: (n,) float in ascending order. Returns (n,) float, between 0 and 1 where they fit.

    >>> spread_out(np.array([0.5, 0.5]), 0.25)
    array([0.375, 0.625])
    """
    from scipy.optimize import isotonic_regression

    offsets = gap * np.arange(len(places))
    room = max(1 - offsets[-1], 0)
    return np.clip(isotonic_regression(places - offsets).x, 0, room) + offsets


@themed
def save_figure(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write a figure as PDF and PNG. The same figure gives the same bytes."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # both files get the layout of the line above
    with whole_file(pdf) as partial:
        figure.savefig(partial, format="pdf", metadata={"CreationDate": None})
    with whole_file(png) as partial:
        figure.savefig(partial, format="png")
