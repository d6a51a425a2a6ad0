"""How well an embedding retrieves, over how well classifiers read the labels from it."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import INK, ModelStyle, add_model_legend, draw_cross, make_panels, themed
from cbir.reporting.main_tables import pathology_precision

PROBES = {
    "logistic": "logistic regression",
    "linear_study": "linear probe of the study",
    "knn": "kNN",
    "knn_weighted": "kNN, weighted by similarity",
}


@themed
def draw(scores: pd.DataFrame, probes: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Precision at the smallest k for the pathology over the accuracy of each probe: one point per model.

    scores, probes: rows of the retrieval table for one dataset and one index, and rows of the probes table for that
    dataset. Values are micro averages with their 95 % confidence intervals, for the full index. Both values are equal
    on the dotted line.
    """
    retrieval = pathology_precision(scores)
    accuracy = probes[(probes["metric"] == "accuracy") & (probes["average"] == "micro")]
    shown = [probe for probe in PROBES if (accuracy["probe"] == probe).any()]
    models = [model for model in styles if model in retrieval.index]
    k = int(retrieval["k"].iloc[0])
    figure, panels = make_panels([""], [PROBES[probe] for probe in shown], 2.3, f"precision at {k}")
    for probe, panel in zip(shown, panels[0], strict=True):
        panel.axline((0, 0), slope=1, color=INK, lw=0.6, ls=(0, (1, 2)), zorder=1)
        accuracy_of = accuracy[accuracy["probe"] == probe].set_index("model")
        for model in models:
            draw_cross(panel, accuracy_of.loc[model], retrieval.loc[model], styles[model])
        panel.set_xlabel("accuracy")
    add_model_legend(figure, models, styles)
    return figure
