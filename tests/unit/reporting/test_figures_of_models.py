"""The figures that compare models or indexes show the values of their tables, and every text is legible."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from cbir.reporting.figures import comparisons, cost, embedding_quality, find_figure, label_frequency, recall_speed
from cbir.reporting.figures.comparisons import in_both_directions, order_models
from cbir.reporting.figures.style import model_styles
from figure_checks import FEW, MANY, assert_all_is_inside_and_apart, pick, plausible_scores

NUMBERS = ["3", "15"]
INDEXES = {"exact": (1.0, 9000), "hnsw32": (0.97, 40000), "ivf64-pq16": (0.6, 41000), "sq8": (0.99, 9500)}


def plausible_probes(models):
    generator = np.random.default_rng(1)
    rows = itertools.product(
        models, ["logistic", "linear_study", "knn", "knn_weighted"], [("accuracy", "micro"), ("f1", "macro")]
    )
    probes = pd.DataFrame([(model, probe, *kind) for model, probe, kind in rows])
    probes.columns = ["model", "probe", "metric", "average"]
    value = generator.uniform(0.2, 0.8, len(probes))
    return probes.assign(value=value, ci_low=value - 0.06, ci_high=value + 0.06)


def plausible_labels(models, labels=161):
    generator = np.random.default_rng(2)
    images = np.round(np.geomspace(1, 60000, labels)).astype(int)
    tables = []
    for model, k in itertools.product(models, (1, 10)):
        value = generator.uniform(0, 1, labels)
        value[3] = np.nan
        tables.append(pd.DataFrame({"model": model, "index_images": images, "k": k, "value": value}))
    correlations = pd.DataFrame(itertools.product(models, (1, 10)), columns=["model", "k"])
    value = np.linspace(-0.5, 0.9, len(correlations))
    return pd.concat(tables), correlations.assign(value=value, ci_low=value - 0.1, ci_high=value + 0.1)


def plausible_costs(models):
    seconds = np.geomspace(0.002, 3, len(models))
    return pd.DataFrame({"model": list(models), "seconds_per_image": seconds, "bytes_per_image": 4096})


def plausible_indexes(models):
    rows = [
        (model, index, level, k, recall - 0.01 * place, 0.5 * recall, queries / (1 + place))
        for place, model in enumerate(models)
        for index, (recall, queries) in INDEXES.items()
        for level in ("modality", "pathology")
        for k in (1, 5, 10, 100)
    ]
    return pd.DataFrame(
        rows, columns=["model", "index", "level", "k", "recall", "precision_micro", "queries_per_second"]
    )


def plausible_comparisons(models, indexes=("exact",)):
    """Pairs of models with values that fall in the order of the models; the macro averages rise."""
    rows = []
    for index, (one, other), (average, step), k in itertools.product(
        indexes, itertools.combinations(range(len(models)), 2), (("micro", 0.02), ("macro", -0.03)), (1, 3)
    ):
        difference = step * (other - one)
        p = 0.01 if other - one > 1 else 0.2
        rows.append(
            (index, "pathology", average, "precision", k, list(models)[one], list(models)[other], difference, p)
        )
    columns = ["index", "level", "average", "metric", "k", "model", "other", "difference", "p_holm"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(ci_low=table["difference"] - 0.03, ci_high=table["difference"] + 0.05)


INPUTS = {
    "label_frequency": plausible_labels,
    "embedding_quality": lambda models: (plausible_scores(models), plausible_probes(models)),
    "cost": lambda models: (plausible_scores(models), plausible_costs(models)),
    "comparisons": lambda models: (plausible_comparisons(models, indexes=("exact", "hnsw")),),
    "recall_speed": lambda models: (plausible_indexes(models),),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("models", [FEW, MANY], ids=NUMBERS)
def test_every_text_is_inside_and_apart_and_every_model_is_named(name, models):
    figure = find_figure(name)(*INPUTS[name](models), styles=model_styles(models))
    assert_all_is_inside_and_apart(figure)
    assert set(models) <= {text.get_text() for text in figure.findobj(Text)}


def test_embedding_quality_keeps_its_titles_where_intervals_fill_the_panel():
    scores, probes = (table(FEW).assign(ci_low=0.0, ci_high=1.0) for table in (plausible_scores, plausible_probes))
    assert_all_is_inside_and_apart(embedding_quality.draw(scores, probes, styles=model_styles(FEW)))


def points_of(panel):
    return [line for line in panel.get_lines() if line.get_marker() not in ("None", None, "")]


def test_label_frequency_shows_each_label_with_a_value_and_the_correlation():
    precision, correlations = plausible_labels(FEW)
    figure = label_frequency.draw(precision, correlations, styles=model_styles(FEW))
    assert [panel.get_title() for panel in figure.axes] == list(FEW)
    for panel, model in zip(figure.axes, FEW, strict=True):
        rows = pick(precision, model=model, k=1).dropna()
        np.testing.assert_array_equal(points_of(panel)[0].get_xydata(), rows[["index_images", "value"]])
        value = pick(correlations, model=model, k=1)["value"].item()
        text = f"ρ = {value:.2f} [{value - 0.1:.2f}, {value + 0.1:.2f}]"
        assert panel.texts[0].get_text() == text.replace("-", "−")


def test_label_frequency_says_that_there_is_no_correlation():
    precision, correlations = plausible_labels(FEW)
    nothing = correlations.assign(value=np.nan, ci_low=np.nan, ci_high=np.nan)
    figure = label_frequency.draw(precision, nothing, styles=model_styles(FEW))
    assert {panel.texts[0].get_text() for panel in figure.axes} == {"no rank correlation"}


def test_embedding_quality_has_one_point_per_model_with_its_intervals():
    scores, probes, styles = plausible_scores(MANY), plausible_probes(MANY), model_styles(MANY)
    figure = embedding_quality.draw(scores, probes, styles=styles)
    retrieval = pick(scores, index_size="full", level="pathology", average="micro", k=1).set_index("model")
    for panel, probe in zip(figure.axes, ("logistic", "linear_study", "knn", "knn_weighted"), strict=True):
        accuracy = pick(probes, probe=probe, metric="accuracy").set_index("model")
        bars = np.array([bar for bars in panel.collections for bar in bars.get_segments()])
        points = points_of(panel)
        for place, (model, point) in enumerate(zip(MANY, points, strict=True)):
            across, up = accuracy.loc[model], retrieval.loc[model]
            assert point.get_xydata().tolist() == [[across["value"], up["value"]]]
            assert same_color(point.get_color(), styles[model].color)
            assert point.get_marker() == styles[model].marker
            np.testing.assert_allclose(bars[2 * place][:, 0], [across["ci_low"], across["ci_high"]])
            np.testing.assert_allclose(bars[2 * place + 1][:, 1], [up["ci_low"], up["ci_high"]])


def test_cost_has_one_point_per_model_at_its_seconds_and_its_bytes():
    scores, costs = plausible_scores(FEW), plausible_costs(FEW)
    figure = cost.draw(scores, costs, styles=model_styles(FEW))
    precision = pick(scores, index_size="full", level="pathology", average="micro", k=1)["value"].to_numpy()
    for panel, column in zip(figure.axes, ("seconds_per_image", "bytes_per_image"), strict=True):
        drawn = np.concatenate([point.get_xydata() for point in points_of(panel)])
        np.testing.assert_allclose(drawn, np.stack([costs[column], precision], axis=1))
        assert panel.get_xscale() == "log"


def test_comparisons_are_differences_from_the_best_model_of_each_panel():
    models = dict.fromkeys("abcd", "supervised")
    figure = comparisons.draw(plausible_comparisons(models), styles=model_styles(models))
    micro, macro = figure.axes
    assert [label.get_text() for label in micro.get_yticklabels()] == ["a", "b", "c", "d"]
    expected = {0: 0, 1: -0.02, 2: -0.04, 3: -0.06}
    assert {point.get_ydata()[0]: point.get_xdata()[0] for point in points_of(micro)} == pytest.approx(expected)
    expected = {0: -0.09, 1: -0.06, 2: -0.03, 3: 0}
    assert {point.get_ydata()[0]: point.get_xdata()[0] for point in points_of(macro)} == pytest.approx(expected)
    filled = {point.get_ydata()[0]: point.get_markerfacecolor() != "white" for point in points_of(micro)}
    assert filled == {0: True, 1: False, 2: True, 3: True}
    bars = np.concatenate([bars.get_segments() for bars in micro.collections])
    np.testing.assert_allclose(bars[:, :, 0], [[-0.07, 0.01], [-0.09, -0.01], [-0.11, -0.03]])
    assert micro.texts[0].get_text() == macro.texts[0].get_text() == "best"
    assert micro.texts[0].xy == (0, 0)
    assert macro.texts[0].xy == (0, 3)


def test_a_comparison_in_the_other_direction_has_the_other_sign_and_its_interval_reversed():
    one = pd.DataFrame({"model": ["a"], "other": ["b"], "difference": [0.1], "ci_low": [-0.05], "ci_high": [0.3]})
    back = in_both_directions(one).iloc[1]
    assert back[["model", "other", "difference", "ci_low", "ci_high"]].tolist() == ["b", "a", -0.1, -0.3, 0.05]
    assert order_models(in_both_directions(one)) == ["a", "b"]


def test_recall_speed_shows_recall_and_precision_of_every_index_and_names_it():
    indexes = plausible_indexes(FEW)
    figure = recall_speed.draw(indexes, styles=model_styles(FEW))
    assert [panel.get_title() for panel in figure.axes] == list(FEW)
    for panel, model in zip(figure.axes, FEW, strict=True):
        rows = pick(indexes, model=model, level="pathology", k=10).sort_values("queries_per_second")
        recall, precision = points_of(panel)
        np.testing.assert_array_equal(recall.get_xydata(), rows[["queries_per_second", "recall"]])
        np.testing.assert_array_equal(precision.get_xydata(), rows[["queries_per_second", "precision_micro"]])
        assert [text.get_text() for text in panel.texts] == rows["index"].tolist()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["recall at 10", "precision at 10"]


def test_models_that_differ_by_rounding_alone_keep_their_order():
    pairs = [("z", "a", 0.2 - 1e-16), ("z", "b", 0.2 + 1e-16), ("a", "b", 1e-17)]
    rows = [
        {"model": one, "other": other, "difference": value, "ci_low": 0, "ci_high": 0} for one, other, value in pairs
    ]
    assert order_models(in_both_directions(pd.DataFrame(rows))) == ["z", "a", "b"]
    rows[2]["difference"] = -1e-17
    assert order_models(in_both_directions(pd.DataFrame(rows))) == ["z", "a", "b"]
