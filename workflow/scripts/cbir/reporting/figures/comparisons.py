"""Distance of each model from the best one."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import (
    AVERAGE_TITLES,
    INK,
    ModelStyle,
    add_fill_legend,
    draw_point,
    make_panels,
    themed,
)
from cbir.tidy import AVERAGES

SIGNIFICANT = 0.05  # Holm-corrected p below which a difference is called significant
DECIMALS = 9  # of a difference; further ones are rounding errors


@themed
def draw(comparisons: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision of each model minus that of the best model, at the smallest k for the pathology: one row per model.

    comparisons: rows of the comparisons table for one dataset. Bars are 95 % confidence intervals of the difference on
    the same queries. A point is filled where the Holm-corrected p is below 0.05. There is one row of panels per index:
    micro average left, macro average right. Each panel has its own best model; all have the order of the first panel.
    """
    shown = comparisons[(comparisons["level"] == "pathology") & (comparisons["metric"] == "precision")]
    k = shown["k"].min()
    shown = in_both_directions(shown[shown["k"] == k])
    indexes = sorted(shown["index"].unique())
    pairs = dict(iter(shown.groupby(["index", "average"])))
    models = order_models(pairs[indexes[0], AVERAGES[0]])
    row_height = 0.16 * len(models) + 0.75
    figure, panels = make_panels(indexes, [AVERAGE_TITLES[average] for average in AVERAGES], row_height, "")
    for index, row in zip(indexes, panels, strict=True):
        for average, panel in zip(AVERAGES, row, strict=True):
            best = order_models(pairs[index, average])[0]
            panel.axvline(0, color=INK, lw=0.6)
            panel.annotate("best", (0, models.index(best)), (5, 0), textcoords="offset points", va="center")
            draw_point(panel, 0, models.index(best), styles[best], is_filled=True)
            from_best = pairs[index, average][pairs[index, average]["other"] == best]
            for pair in from_best.itertuples():
                height, style = models.index(pair.model), styles[pair.model]
                panel.hlines(height, pair.ci_low, pair.ci_high, color=style.color, lw=0.9)
                draw_point(panel, pair.difference, height, style, is_filled=pair.p_holm < SIGNIFICANT)
    panels[0, 0].set_ylim(len(models) - 0.5, -0.5)
    panels[0, 0].set_yticks(range(len(models)), models)
    for panel in panels.flat:
        panel.tick_params(axis="y", length=0)
    for panel in panels[-1]:
        panel.set_xlabel(f"difference in precision at {k} from the best")
    add_fill_legend(figure, f"p < {SIGNIFICANT} (Holm)", "not significant")
    return figure


def in_both_directions(comparisons: pd.DataFrame) -> pd.DataFrame:
    """All comparisons, followed by the same ones with the two models exchanged and the signs reversed.

    >>> pair = {"model": ["a"], "other": ["b"], "difference": [0.1], "ci_low": [0.0], "ci_high": [0.3]}
    >>> both = in_both_directions(pd.DataFrame(pair))
    >>> both[["model", "other", "difference"]].to_numpy().tolist()
    [['a', 'b', 0.1], ['b', 'a', -0.1]]
    """
    exchanged = {"model": "other", "other": "model", "ci_low": "ci_high", "ci_high": "ci_low"}
    reverse = comparisons.rename(columns=exchanged)
    reverse[["difference", "ci_low", "ci_high"]] *= -1
    return pd.concat([comparisons, reverse], ignore_index=True)


def order_models(pairs: pd.DataFrame) -> list[str]:
    """Names of the models from best to worst, by their mean difference from the others.

    pairs: comparisons in both directions, so that each model is compared with every other one. Models that differ by
    rounding alone keep the order in which they come.

    >>> pair = {"model": ["a"], "other": ["b"], "difference": [-0.1], "ci_low": [-0.2], "ci_high": [0.0]}
    >>> order_models(in_both_directions(pd.DataFrame(pair)))
    ['b', 'a']
    """
    means = pairs.groupby("model", sort=False)["difference"].mean().round(DECIMALS)
    return list(means.sort_values(ascending=False, kind="stable").index)
