"""How far each model is from the best one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cbir.reporting.figures.style import AVERAGES, INK, ModelStyle, make_panels, themed

SIGNIFICANT = 0.05  # Holm-corrected p


@themed
def draw_comparisons(comparisons: pd.DataFrame, styles: dict[str, ModelStyle]) -> Figure:
    """Each model's precision at the smallest k for the pathology less that of the best model, a row a model.

    comparisons: one dataset's rows of the comparisons table. Bars are 95 % intervals of the difference on the same
    queries; a point is filled where the Holm-corrected p is below 0.05. A row of panels for each index, micro and macro
    beside each other, each with its own best model; rows are ordered by the first panel.
    """
    shown = comparisons[(comparisons["level"] == "pathology") & (comparisons["metric"] == "precision")]
    k = shown["k"].min()
    shown = both_ways(shown[shown["k"] == k])
    indexes = sorted(shown["index"].unique())
    averages = [average for average in AVERAGES if (shown["average"] == average).any()]
    pairs = dict(iter(shown.groupby(["index", "average"])))
    models = order_models(pairs[indexes[0], averages[0]])
    row_height = 0.16 * len(models) + 0.75
    label = f"difference in precision at {k} from the best"
    figure, panels = make_panels(indexes, [AVERAGES[average] for average in averages], row_height, "")
    for index, row in zip(indexes, panels, strict=True):
        for average, panel in zip(averages, row, strict=True):
            best = order_models(pairs[index, average])[0]
            panel.axvline(0, color=INK, lw=0.6)
            panel.annotate("best", (0, models.index(best)), (5, 0), textcoords="offset points", va="center")
            _draw_point(panel, 0, models.index(best), styles[best], filled=True)
            from_best = pairs[index, average][pairs[index, average]["other"] == best]
            for pair in from_best.itertuples():
                height, style = models.index(pair.model), styles[pair.model]
                panel.hlines(height, pair.ci_low, pair.ci_high, color=style.color, lw=0.9)
                _draw_point(panel, pair.difference, height, style, filled=pair.p_holm < SIGNIFICANT)
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    panels[0, 0].set_yticks(range(len(models)), models)
    for panel in panels.flat:
        panel.tick_params(axis="y", length=0)
    for panel in panels[-1]:
        panel.set_xlabel(label)
    looks = {f"p < {SIGNIFICANT} (Holm)": INK, "not significant": "white"}
    keys = [Line2D([], [], color=INK, marker="o", mfc=fill, ls="", label=key) for key, fill in looks.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure


def both_ways(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The comparisons and, for each, the one of the same models the other way round."""
    swapped = {"model": "other", "other": "model", "ci_low": "ci_high", "ci_high": "ci_low"}
    back = comparisons.rename(columns=swapped)
    back[["difference", "ci_low", "ci_high"]] *= -1
    return pd.concat([comparisons, back], ignore_index=True)


def order_models(pairs: pd.DataFrame) -> list[str]:
    """The models from best to worst, by their mean difference from the others; pairs both ways round."""
    means = pairs.groupby("model")["difference"].mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _draw_point(panel: Axes, value: float, height: int, style: ModelStyle, filled: bool) -> None:
    fill = style.color if filled else "white"
    panel.plot([value], [height], color=style.color, marker=style.marker, mfc=fill, ls="", clip_on=False)
