"""What all figures share: theme, widths, a look for each model, panels, labels at the ends of lines, saving."""

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

ONE_COLUMN = 3.5  # inches
TWO_COLUMNS = 7.2
GRID_COLUMNS = 4  # panels beside each other
FONT_SIZE = 7.0  # points, the least that journals print
LETTERS_PER_INCH = 17  # of this size, on average
TITLE_LETTERS_PER_INCH = 14
LEGEND_LETTERS = 6  # what a marker and the space around a name take
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
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures are the same everywhere
    "font.size": FONT_SIZE,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 200,
    "xtick.labelsize": FONT_SIZE,
    "xtick.major.width": 0.6,
    "ytick.labelsize": FONT_SIZE,
    "ytick.major.width": 0.6,
}
themed = mpl.rc_context(THEME)  # decorates every draw function: texts take their sizes when they are made

# Okabe & Ito 2008 without yellow and black, then Tol's wine and indigo: apart also for protan and deutan readers
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#332288")
GREYS = ("#4d4d4d", "#8c8c8c", "#b3b3b3")
MARKERS = {"supervised": "o", "self-supervised": "s", "weakly-supervised": "^", "segmentation": "D", "control": "v"}
OTHER_MARKER = "P"  # models of released embeddings need no catalogue entry, hence have no family
OUTLINE = {"markeredgecolor": "white", "markeredgewidth": 0.4}  # parts markers from lines below them
AVERAGES = {"micro": "micro average (over queries)", "macro": "macro average (over labels)"}
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))  # another each time the colours have been used up


@dataclass(frozen=True)
class ModelStyle:
    """How one model looks in every figure."""

    color: str
    marker: str
    dash: str | tuple


CHANCE = ModelStyle(INK, "X", (0, (1, 1.5)))  # what a random order scores, beside the models


def model_styles(families: dict[str, str]) -> dict[str, ModelStyle]:
    """A look for each model: colour by its place among the models (controls in greys), marker by its family.

    families: family by model name, in the experiment's order of models, which the result keeps.
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
    """A figure of panels on shared axes, a title over each column and, where there are several, one beside each row.

    row_height: inches. Returns the figure, two columns of a page wide (one for a single panel across), and the
    (rows, columns) array of its axes.
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
    """A figure, two columns of a page wide, of a titled panel for each thing, on shared axes, four at most in a row."""
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
    """Name the models below the figure by the colour and marker of their points, in as many columns as fit."""
    look = {"ls": "", **OUTLINE}
    keys = [Line2D([], [], color=styles[name].color, marker=styles[name].marker, label=name, **look) for name in models]
    letters = max(map(len, models), default=0) + LEGEND_LETTERS
    columns = int(figure.get_figwidth() * LETTERS_PER_INCH / letters)
    figure.legend(handles=keys, loc="outside lower center", ncols=max(1, min(columns, len(models))))


def scale_log(panel: Axes, values: pd.Series, dense: float) -> None:
    """A logarithmic x axis around positive values, five times as far as it begins or farther.

    Ticks at 1, 2 and 5 of each decade, or at decades alone where the values reach `dense` times as far as they begin.
    """
    low, high = values.min(), values.max()
    middle, reach = np.sqrt(low * high), max(np.sqrt(high / low) * 1.2, np.sqrt(5))
    panel.set(xscale="log", xlim=(middle / reach, middle * reach))
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < dense * low else (1,)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:,.9g}")


def shorten(name: str, letters: int) -> str:
    """The name, cut to so many letters."""
    return name if len(name) <= letters else name[: letters - 1].rstrip() + "…"


def draw_cross(panel: Axes, across: pd.Series, up: pd.Series, style: ModelStyle) -> None:
    """A point at the `value` of two estimates, with the interval `ci_low` to `ci_high` of each."""
    panel.hlines(up["value"], across["ci_low"], across["ci_high"], color=style.color, lw=0.7)
    panel.vlines(across["value"], up["ci_low"], up["ci_high"], color=style.color, lw=0.7)
    panel.plot([across["value"]], [up["value"]], color=style.color, marker=style.marker, ls="", **OUTLINE)


def label_line_ends(panel: Axes, styles: dict[str, ModelStyle]) -> None:
    """Name each line that is labelled with a model beside the panel's right edge, by its end and without overlap."""
    lines = {line.get_label(): line.get_xydata() for line in panel.get_lines() if line.get_label() in styles}
    ends = {model: points[-1] for model, points in lines.items() if len(points)}
    if not ends:
        return
    panel.set(xlim=panel.get_xlim(), ylim=panel.get_ylim())  # what follows must not move them
    panel.figure.draw_without_rendering()  # the layout settles the panel's height
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
    """The places nearest to ascending ones (least squares) that are `gap` or more apart, inside 0 to 1 if they fit."""
    from scipy.optimize import isotonic_regression

    offsets = gap * np.arange(len(places))
    room = max(1 - offsets[-1], 0)
    return np.clip(isotonic_regression(places - offsets).x, 0, room) + offsets


@themed
def save_figure(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write a figure as PDF and PNG; the same figure gives the same bytes."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # settled once for both
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    figure.savefig(png, format="png")
