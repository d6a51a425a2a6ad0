"""Precision against the size of the index."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from cbir.reporting.figures.style import AVERAGES, INK, OUTLINE, ModelStyle, label_line_ends, make_panels, themed

PER_LABEL = "-per-label"


@themed
def draw_index_size(scores: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k for the pathology against the index's images, a line a model.

    scores: one dataset's rows of the retrieval table. A point is the mean over the draws of a size, its bar reaches
    from the lowest draw to the highest, the band is the 95 % interval averaged over draws. Sizes that take the same
    number of images of each label are drawn apart, hollow and dotted: their index has another composition. A row of
    panels for each index, micro and macro beside each other.
    """
    shown = scores[(scores["level"] == "pathology") & (scores["metric"] == "precision")]
    k = shown["k"].min()
    curves = spread_over_draws(shown[shown["k"] == k])
    indexes = sorted(curves["index"].unique())
    averages = [average for average in AVERAGES if (curves["average"] == average).any()]
    models = [model for model in styles if (curves["model"] == model).any()]
    row_height = max(2.2, 0.14 * len(models) + 0.6)
    figure, panels = make_panels(indexes, [AVERAGES[name] for name in averages], row_height, f"precision at {k}")
    for index, row in zip(indexes, panels, strict=True):
        for average, panel in zip(averages, row, strict=True):
            points = curves[(curves["index"] == index) & (curves["average"] == average)].dropna(subset="mean")
            for model in models:
                _draw_curves(panel, points[points["model"] == model], model, styles[model])
    panels[0, 0].set_xscale("log")
    decades = curves["images"].max() / curves["images"].min()
    panels[0, 0].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1000 else (1,)))
    panels[0, 0].xaxis.set_minor_locator(NullLocator())
    panels[0, 0].xaxis.set_major_formatter("{x:,.0f}")
    for panel in panels[-1]:
        panel.set_xlabel("images in the index (log scale)")
    if curves["per_label"].any() and not curves["per_label"].all():
        looks = {"random images": ("-", INK), "as many of each label": (":", "white")}
        keys = [Line2D([], [], color=INK, ls=ls, marker="o", mfc=fill, label=key) for key, (ls, fill) in looks.items()]
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
    for last in panels[:, -1]:
        label_line_ends(last, styles)
    return figure


def spread_over_draws(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a model, index, average and size: mean, lowest and highest value over draws, mean interval, images."""
    keys = ["model", "index", "average", "index_size"]
    points = scores.groupby(keys, as_index=False).agg(
        images=("index_images", "mean"),
        mean=("value", "mean"),
        lowest=("value", "min"),
        highest=("value", "max"),
        ci_low=("ci_low", "mean"),
        ci_high=("ci_high", "mean"),
    )
    points["per_label"] = points["index_size"].str.endswith(PER_LABEL)
    return points.sort_values([*keys[:3], "images", "index_size"], ignore_index=True)


def _draw_curves(panel: Axes, points: pd.DataFrame, model: str, style: ModelStyle) -> None:
    """One model's line through the random sizes and, apart from it, its line through the sizes a label."""
    for per_label, curve in points.groupby("per_label"):
        images, mean = curve["images"], curve["mean"]
        panel.fill_between(images, curve["ci_low"], curve["ci_high"], color=style.color, alpha=0.1, lw=0)
        reach = [mean - curve["lowest"], curve["highest"] - mean]
        panel.errorbar(images, mean, yerr=reach, fmt="none", ecolor=style.color, elinewidth=0.9, capsize=2)
        look = {"ls": ":", "markerfacecolor": "white"} if per_label else {"ls": style.dash, **OUTLINE}
        label = model if per_label == points["per_label"].min() else None  # once a model, on the random sizes
        panel.plot(images, mean, color=style.color, marker=style.marker, label=label, **look)
