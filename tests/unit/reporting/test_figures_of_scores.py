"""The figures precision_at_k, index_size and levels show the values of their tables, and every text is legible."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import same_color
from matplotlib.text import Text

from cbir.reporting.figures import find_figure, index_size, levels, precision_at_k
from cbir.reporting.figures.style import model_styles, save_figure
from figure_checks import (
    FEW,
    LEVELS,
    MANY,
    assert_all_is_inside_and_apart,
    pick,
    plausible_index_size,
    plausible_scores,
)

INPUTS = {"precision_at_k": plausible_scores, "index_size": plausible_index_size, "levels": plausible_scores}


def draw(name, models, **options):
    return find_figure(name)(INPUTS[name](models, **options), styles=model_styles(models))


def lines_of(panel, models):
    return {line.get_label(): line for line in panel.get_lines() if line.get_label() in models}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("models", [FEW, MANY], ids=["3", "15"])
def test_every_text_is_inside_the_figure_and_apart_from_the_others(name, models):
    assert_all_is_inside_and_apart(draw(name, models))


@pytest.mark.parametrize("name", INPUTS)
def test_every_index_has_its_own_row_of_panels(name):
    one = draw(name, FEW)
    two = draw(name, FEW, indexes=("exact", "hnsw"))
    assert len(two.axes) == 2 * len(one.axes)
    titles = [panel.get_ylabel().splitlines()[0] for panel in two.axes if panel.get_ylabel()]
    assert titles == ["index exact", "index hnsw"]
    assert_all_is_inside_and_apart(two)


@pytest.mark.parametrize("name", INPUTS)
def test_every_model_and_every_axis_has_its_name(name):
    figure = draw(name, MANY)
    texts = {text.get_text() for text in figure.findobj(Text)}
    assert set(MANY) <= texts
    assert all(panel.get_xlabel() for panel in figure.axes)
    assert "precision at" in figure.axes[0].get_ylabel() + figure.axes[0].get_xlabel()


@pytest.mark.parametrize("name", INPUTS)
def test_a_figure_is_drawn_even_where_every_value_is_missing(name, tmp_path):
    table = INPUTS[name](FEW).assign(value=np.nan, ci_low=np.nan, ci_high=np.nan)
    save_figure(find_figure(name)(table, styles=model_styles(FEW)), tmp_path / "f.pdf", tmp_path / "f.png")


def test_index_size_is_drawn_even_where_the_table_has_no_row(tmp_path):
    figure = index_size.draw(plausible_index_size(FEW)[:0], styles=model_styles(FEW))
    assert [panel.get_ylabel() for panel in figure.axes] == ["precision", ""]
    save_figure(figure, tmp_path / "f.pdf", tmp_path / "f.png")


@pytest.mark.parametrize("depths", [(1, 3, 5, 10), range(1, 101)], ids=["4", "100"])
def test_precision_at_k_shows_the_values_of_the_full_index(depths):
    scores = plausible_scores(MANY, depths=depths)
    scores = pd.concat([scores, scores.assign(metric="precision_std", value=0.01)])
    styles = model_styles(MANY)
    figure = precision_at_k.draw(scores, styles=styles)
    for panel, average in zip(figure.axes, ("micro", "macro"), strict=True):
        assert average in panel.get_title()
        lines = lines_of(panel, MANY)
        for bars, model in zip(panel.collections, MANY, strict=True):
            rows = pick(scores, index_size="full", level="pathology", average=average, model=model, metric="precision")
            np.testing.assert_array_equal(lines[model].get_xydata(), rows[["k", "value"]])
            assert same_color(lines[model].get_color(), styles[model].color)
            drawn = {(k, low, high) for (k, low), (_, high) in filter(len, bars.get_segments())}
            assert drawn == set(rows[["k", "ci_low", "ci_high"]].dropna().itertuples(index=False, name=None))
            assert len(drawn) == 4


def test_precision_at_a_hundred_depths_marks_those_with_an_interval_and_some_larger_ones():
    figure = draw("precision_at_k", FEW, depths=range(1, 101))
    assert figure.axes[0].get_xticks().tolist() == [1, 3, 5, 10, 20, 50, 100]
    assert_all_is_inside_and_apart(figure)


def test_precision_at_k_is_drawn_without_intervals_too():
    scores = plausible_scores(FEW, depths=range(1, 101)).assign(ci_low=np.nan, ci_high=np.nan)
    figure = precision_at_k.draw(scores, styles=model_styles(FEW))
    assert figure.axes[0].get_xticks().tolist() == [1, 2, 5, 10, 20, 50, 100]


def test_precision_at_k_shows_the_chance_level():
    figure = draw("precision_at_k", FEW)
    for panel in figure.axes:
        assert lines_of(panel, ["chance"])["chance"].get_xydata().tolist() == [[k, 0.08] for k in (1, 3, 5, 10)]
    assert "chance" in {text.get_text() for text in figure.axes[-1].texts}


def test_index_size_shows_the_mean_the_draws_and_the_interval_of_each_size():
    table = plausible_index_size(FEW)
    panel = index_size.draw(table, styles=model_styles(FEW)).axes[1]
    rows = pick(table, level="pathology", average="macro", k=1, model="pixels")
    rows = rows[~rows["index_size"].str.endswith("-per-label")]
    line = lines_of(panel, FEW)["pixels"]
    np.testing.assert_array_equal(line.get_xydata(), rows[["index_images", "value"]])
    bars = [bars.get_segments() for bars in panel.collections if isinstance(bars, LineCollection)]
    bars = np.concatenate(bars)
    bands = [band.get_paths()[0].vertices for band in panel.collections if isinstance(band, PolyCollection)]
    bands = np.concatenate(bands)
    for row in rows.itertuples():
        reach = [(row.index_images, row.lowest), (row.index_images, row.highest)]
        assert any(np.allclose(bar, reach) for bar in bars), f"no bar over the draws of {row.index_images} images"
        for end in (row.ci_low, row.ci_high):
            assert np.isclose(bands, (row.index_images, end)).all(axis=1).any(), f"the band does not reach {end}"


def test_index_sizes_per_label_have_hollow_points_on_lines_of_their_own():
    figure = draw("index_size", FEW)
    hollow = [line for line in figure.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata().tolist() for line in hollow] == [[150, 280]] * len(FEW)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random images", "as many of each label"]


def test_levels_show_every_model_with_its_interval_and_the_best_for_the_pathology_on_top():
    scores = plausible_scores(MANY)
    figure = levels.draw(scores, styles=model_styles(MANY))
    full = pick(scores, index_size="full", k=1)
    ranked = pick(full, level="pathology", average="micro").sort_values("value", ascending=False)["model"].tolist()
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [*ranked, "chance"]
    assert figure.axes[0].yaxis_inverted()
    assert [panel.get_title() for panel in figure.axes] == [level.replace("_", " ") for level in LEVELS]
    for panel, level in zip(figure.axes, LEVELS, strict=True):
        points = {
            (round(line.get_ydata()[0]), line.get_markerfacecolor() != "white"): line for line in panel.get_lines()
        }
        flat = [bar for bars in panel.collections for bar in bars.get_segments() if bar[0, 1] == bar[1, 1]]
        bars = {(round(bar[0, 1]), bar[0, 1] % 1 > 0.5): bar for bar in flat}
        for row in pick(full, level=level).itertuples():
            place = (ranked.index(row.model), row.average == "micro")
            assert points[place].get_xdata() == [row.value]
            np.testing.assert_allclose(bars[place][:, 0], [row.ci_low, row.ci_high])


def test_levels_show_the_chance_level_below_the_models_with_a_line_up_through_them():
    scores = plausible_scores(FEW)
    is_macro = scores["average"] == "macro"
    scores.loc[is_macro, "chance"] -= 0.03
    figure = levels.draw(scores, styles=model_styles(FEW))
    for panel, micro in zip(figure.axes, LEVELS.values(), strict=True):
        points = [line for line in panel.get_lines() if line.get_ydata()[0] > len(FEW) - 0.5]
        drawn = {line.get_markerfacecolor() != "white": line.get_xdata()[0] for line in points}
        assert drawn == {True: micro, False: micro - 0.03}
        rising = [bar for bars in panel.collections for bar in bars.get_segments() if bar[0, 0] == bar[1, 0]]
        assert sorted(bar[0, 0] for bar in rising) == [micro - 0.03, micro]
