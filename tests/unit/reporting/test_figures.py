"""What stands in the figures is what stands in the tables, all of it legible."""

import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jinja2
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color, to_rgb
from matplotlib.text import Text

from cbir.reporting.figures.confusion import draw_confusion
from cbir.reporting.figures.gallery import choose_queries, draw_gallery
from cbir.reporting.figures.index_size import draw_index_size
from cbir.reporting.figures.levels import draw_levels
from cbir.reporting.figures.precision import draw_precision_at_k
from cbir.reporting.figures.style import (
    COLORS,
    GREYS,
    label_line_ends,
    make_panels,
    model_styles,
    save_figure,
    spread_out,
)
from cbir.retrieval.neighbors import Neighbors
from figure_checks import FEW, LEVELS, MANY, assert_all_is_inside_and_apart, pick, plausible_scores

ROOT = Path(__file__).parents[3]
DRAWS = [draw_precision_at_k, draw_index_size, draw_levels]


def lines_of(panel, models):
    return {line.get_label(): line for line in panel.get_lines() if line.get_label() in models}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("models", [FEW, MANY], ids=["3", "15"])
def test_every_text_is_inside_the_figure_and_apart_from_the_others(draw, models):
    assert_all_is_inside_and_apart(draw(plausible_scores(models), model_styles(models)))


@pytest.mark.parametrize("draw", DRAWS)
def test_every_index_has_its_row_of_panels(draw):
    one = draw(plausible_scores(FEW), model_styles(FEW))
    two = draw(plausible_scores(FEW, indexes=("exact", "hnsw")), model_styles(FEW))
    assert len(two.axes) == 2 * len(one.axes)
    titles = [panel.get_ylabel().splitlines()[0] for panel in two.axes if panel.get_ylabel()]
    assert titles == ["index exact", "index hnsw"]
    assert_all_is_inside_and_apart(two)


@pytest.mark.parametrize("draw", DRAWS)
def test_every_model_is_named_and_every_axis_said(draw):
    figure = draw(plausible_scores(MANY), model_styles(MANY))
    texts = {text.get_text() for text in figure.findobj(Text)}
    assert set(MANY) <= texts
    assert all(panel.get_xlabel() for panel in figure.axes)
    assert "precision at" in figure.axes[0].get_ylabel() + figure.axes[0].get_xlabel()


@pytest.mark.parametrize("draw", DRAWS)
def test_a_figure_of_scores_that_are_all_missing_is_empty_but_there(draw, tmp_path):
    scores = plausible_scores(FEW).assign(value=np.nan, ci_low=np.nan, ci_high=np.nan)
    save_figure(draw(scores, model_styles(FEW)), tmp_path / "f.pdf", tmp_path / "f.png")


@pytest.mark.parametrize("depths", [(1, 3, 5, 10), range(1, 101)], ids=["4", "100"])
def test_precision_at_k_shows_the_table_of_the_largest_index(depths):
    scores = plausible_scores(MANY, depths=depths)
    scores = pd.concat([scores, scores.assign(metric="precision_std", value=0.01)])
    styles = model_styles(MANY)
    figure = draw_precision_at_k(scores, styles)
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


def test_precision_at_a_hundred_depths_marks_those_with_an_interval_and_some_beyond():
    figure = draw_precision_at_k(plausible_scores(FEW, depths=range(1, 101)), model_styles(FEW))
    assert figure.axes[0].get_xticks().tolist() == [1, 3, 5, 10, 20, 50, 100]
    assert_all_is_inside_and_apart(figure)


def test_precision_at_k_without_intervals_is_drawn_all_the_same():
    scores = plausible_scores(FEW, depths=range(1, 101)).assign(ci_low=np.nan, ci_high=np.nan)
    figure = draw_precision_at_k(scores, model_styles(FEW))
    assert figure.axes[0].get_xticks().tolist() == [1, 2, 5, 10, 20, 50, 100]


def test_index_size_shows_the_mean_and_the_reach_of_the_draws():
    scores = plausible_scores(FEW)
    figure = draw_index_size(scores, model_styles(FEW))
    panel = figure.axes[1]
    rows = pick(scores, level="pathology", average="macro", k=1, model="pixels")
    random = rows[~rows["index_size"].str.endswith("-per-label")]
    draws = random.groupby("index_images")["value"]
    line = lines_of(panel, FEW)["pixels"]
    np.testing.assert_allclose(line.get_xydata(), draws.mean().reset_index())
    bars = np.concatenate(
        [np.array(bar.get_segments()) for bar in panel.collections if isinstance(bar, LineCollection)]
    )
    for images, values in draws:
        reach = sorted([(images, values.min()), (images, values.max())])
        assert any(np.allclose(bar, reach) for bar in bars), f"no bar over the draws of {images} images"


def test_index_sizes_by_label_are_drawn_apart_from_random_ones():
    figure = draw_index_size(plausible_scores(FEW), model_styles(FEW))
    hollow = [line for line in figure.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata().tolist() for line in hollow] == [[150, 280]] * len(FEW)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random images", "as many of each label"]


def test_levels_show_every_model_with_its_interval_best_pathology_on_top():
    scores = plausible_scores(MANY)
    figure = draw_levels(scores, model_styles(MANY))
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


def test_levels_show_the_chance_level_below_the_models_and_a_line_up_from_it():
    scores = plausible_scores(FEW)
    is_macro = scores["average"] == "macro"
    scores.loc[is_macro, "chance"] -= 0.03
    figure = draw_levels(scores, model_styles(FEW))
    for panel, micro in zip(figure.axes, LEVELS.values(), strict=True):
        points = [line for line in panel.get_lines() if line.get_ydata()[0] > len(FEW) - 0.5]
        drawn = {line.get_markerfacecolor() != "white": line.get_xdata()[0] for line in points}
        assert drawn == {True: micro, False: micro - 0.03}
        rising = [bar for bars in panel.collections for bar in bars.get_segments() if bar[0, 0] == bar[1, 0]]
        assert sorted(bar[0, 0] for bar in rising) == [micro - 0.03, micro]


def test_precision_at_k_shows_the_chance_level():
    figure = draw_precision_at_k(plausible_scores(FEW), model_styles(FEW))
    for panel in figure.axes:
        assert lines_of(panel, ["chance"])["chance"].get_xydata().tolist() == [[k, 0.08] for k in (1, 3, 5, 10)]
    assert "chance" in {text.get_text() for text in figure.axes[-1].texts}


def test_a_model_keeps_its_look_whatever_comes_after_it_and_controls_are_grey():
    few = model_styles({"a": "supervised", "pixels": "control", "b": "self-supervised"})
    more = model_styles({"a": "supervised", "pixels": "control", "b": "self-supervised", "c": "supervised"})
    assert few == {model: more[model] for model in few}
    assert few["pixels"].color in GREYS
    assert len(set(to_rgb(few["pixels"].color))) == 1
    assert few["a"].marker == more["c"].marker != few["b"].marker


def test_models_beyond_the_colours_differ_in_their_dashes():
    styles = model_styles({f"m{n}": "supervised" for n in range(3 * len(COLORS))})
    assert len({(style.color, style.dash) for style in styles.values()}) == len(styles)


# Machado et al. 2009, severity 1: linear RGB as seen with protanopia and deuteranopia
SIGHTS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(colors, sight):
    """CIELAB coordinates (n, 3) of sRGB colours under a sight."""
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = np.clip(linear @ np.transpose(SIGHTS[sight]), 0, 1) @ to_xyz.T / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_are_apart_for_every_sight(sight):
    colors = lab(COLORS, sight)
    distance = np.linalg.norm(colors[:, None] - colors, axis=2)[np.triu_indices(len(COLORS), 1)]
    assert distance.min() > 12  # some five times the least difference that is seen side by side
    assert lab(COLORS, sight)[:, 0].max() < 75  # dark enough for a thin line on white


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.08))
def test_labels_are_spread_apart_inside_the_panel_and_in_order(places, gap):
    spread = spread_out(np.sort(places), gap)
    assert (np.diff(spread) >= gap - 1e-9).all()
    assert spread.min() >= -1e-9
    assert spread.max() <= 1 + 1e-9


def test_labels_with_room_stay_where_they_are():
    np.testing.assert_allclose(spread_out(np.array([0.1, 0.5, 0.9]), 0.1), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(spread_out(np.array([0.5, 0.5]), 0.1), [0.45, 0.55])


def test_naming_lines_does_not_move_the_axes():
    figure, panels = make_panels(["exact"], ["micro"], 2.0, "precision")
    panel = panels[0, 0]
    panel.plot([1, 2], [0.2, 0.4], label="pixels")
    limits = panel.get_xlim(), panel.get_ylim()
    label_line_ends(panel, model_styles(FEW))
    figure.draw_without_rendering()
    assert (panel.get_xlim(), panel.get_ylim()) == limits


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(folder).iterdir())}


def save_two(folder):
    save_figure(draw_index_size(plausible_scores(FEW), model_styles(FEW)), folder / "size.pdf", folder / "size.png")
    save_figure(draw_gallery(*ranking(), paint), folder / "gallery.pdf", folder / "gallery.png")
    shares = pd.DataFrame({"label": LABELS, "neighbor_label": LABELS[::-1], "share": 0.5})
    save_figure(draw_confusion(shares), folder / "confusion.pdf", folder / "confusion.png")


def test_figures_are_the_same_bytes_in_every_process(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    save_two(here)
    code = f"import pathlib, test_figures; test_figures.save_two(pathlib.Path({str(there)!r}))"
    folders = [str(ROOT / folder) for folder in ("tests", "tests/unit/reporting", "workflow/scripts")]
    paths = f"import sys; sys.path[:0] = {folders!r}; "
    environment = {"SOURCE_DATE_EPOCH": "1", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", paths + code], check=True, env=environment)
    assert digests(here) == digests(there)
    assert len(digests(here)) == 6


LABELS = ["XR/chest/normal", "XR/chest/effusion", "MR/brain/tumour of the pituitary gland", "CT/head/bleeding"]


def ranking(queries=24, indexed=40, found=8):
    """Neighbors and a manifest in which query q has its first q // 4 neighbors right, of `found`; the last -1."""
    labels = [LABELS[row % 3] for row in range(indexed + queries)]
    manifest = pd.DataFrame({"label": labels, "image_id": [f"i{row}" for row in range(len(labels))], "frame": 0})
    manifest[["modality", "anatomic_region", "pathology"]] = manifest["label"].str.split("/", expand=True)
    manifest["path"] = manifest["image_id"]
    manifest["split"] = ["train"] * indexed + ["test"] * queries
    query = np.arange(indexed, indexed + queries)
    neighbor = np.full((queries, found), -1)
    for position, row in enumerate(query):
        right = [other for other in range(indexed) if labels[other] == labels[row]]
        wrong = [other for other in range(indexed) if labels[other] != labels[row]]
        neighbor[position] = (right[: position // 4] + wrong)[:found]
    neighbor[:, -1] = -1
    similarity = np.linspace(0.95, 0.4, queries * found, dtype="float32").reshape(queries, found)
    return Neighbors(query, neighbor, similarity), manifest


def paint(path, frame, size):
    """A grey or coloured image, of another shape and content for each path."""
    number = int(path.removeprefix("i"))
    shape = [(40, 60), (60, 40), (900, 700), (50, 50, 3)][number % 4]
    return np.full(shape, number * 3, dtype="uint8")


def test_the_gallery_shows_the_best_the_typical_and_the_worst_queries():
    neighbors, manifest = ranking()
    chosen = choose_queries(neighbors, manifest)
    assert [kind for kind, _, _ in chosen] == ["best", "best", "typical", "typical", "worst", "worst"]
    assert [precision for _, precision, _ in chosen] == pytest.approx([1, 1, 0.4, 0.4, 0, 0])
    assert [query // 4 / 5 for _, _, query in chosen] == pytest.approx([1, 1, 0.4, 0.4, 0, 0])
    assert len({query for _, _, query in chosen}) == 6
    labels = manifest["label"].to_numpy()[neighbors.query]
    assert all(labels[first[2]] != labels[second[2]] for first, second in zip(chosen[::2], chosen[1::2], strict=True))


def test_the_choice_does_not_hang_on_the_order_of_the_queries():
    neighbors, manifest = ranking()
    back = Neighbors(neighbors.query[::-1], neighbors.neighbor[::-1], neighbors.similarity[::-1])
    first = [neighbors.query[query] for _, _, query in choose_queries(neighbors, manifest)]
    second = [back.query[query] for _, _, query in choose_queries(back, manifest)]
    assert first == second


def test_a_query_that_has_no_image_of_its_label_in_the_index_is_not_shown():
    neighbors, manifest = ranking()
    manifest.loc[neighbors.query[0], "label"] = LABELS[3]
    worst = [query for kind, _, query in choose_queries(neighbors, manifest) if kind == "worst"]
    assert 0 not in worst


def test_a_query_with_fewer_than_five_images_of_its_label_is_measured_at_that_number():
    neighbors, manifest = ranking()
    position = 8  # its first two images are right
    manifest.loc[[neighbors.query[position], *neighbors.neighbor[position, :2]], "label"] = LABELS[3]
    only = Neighbors(*(array[[position]] for array in (neighbors.query, neighbors.neighbor, neighbors.similarity)))
    assert choose_queries(only, manifest) == [("best", 1.0, 0)]


def test_a_gallery_of_fewer_queries_than_rows_shows_them_once():
    neighbors, manifest = ranking(queries=4)
    assert sorted(query for _, _, query in choose_queries(neighbors, manifest)) == [0, 1, 2, 3]


def test_the_gallery_frames_right_and_wrong_images_apart_and_says_similarity_and_label():
    neighbors, manifest = ranking()
    figure = draw_gallery(neighbors, manifest, paint)
    chosen = choose_queries(neighbors, manifest)
    assert len(figure.axes) == 6 * 6
    panels = iter(figure.axes)
    for _, _, query in chosen:
        shown = next(panels)
        assert shown.get_xlabel().startswith("query\n")
        for rank in range(5):
            panel = next(panels)
            row = neighbors.neighbor[query, rank]
            is_right = rank < query // 4
            mark, *label = panel.get_xlabel().split("\n")
            assert mark == f"{'✓' if is_right else '✗'} similarity {neighbors.similarity[query, rank]:.3f}"
            image = manifest.iloc[row]
            whole = f"{image['modality']} {image['anatomic_region']}, {image['pathology']}"
            assert whole.startswith(" ".join(label).removesuffix("…"))
            assert (panel.spines["left"].get_linestyle() == "-") == is_right
            assert panel.images[0].get_array().max() == row * 3
    assert_all_is_inside_and_apart(figure)


def test_a_gallery_leaves_the_place_of_an_image_that_was_not_found_empty():
    neighbors, manifest = ranking(found=4)
    assert len(draw_gallery(neighbors, manifest, paint).axes) == 6 * 4


def test_images_keep_their_shape_in_the_gallery_and_come_down_to_its_resolution():
    neighbors, manifest = ranking()
    for panel in draw_gallery(neighbors, manifest, paint).axes:
        height, width = panel.images[0].get_array().shape[:2]
        assert max(height, width) <= 300
        extent = panel.get_xlim()[1] - panel.get_xlim()[0]
        assert extent == max(height, width) == panel.get_ylim()[0] - panel.get_ylim()[1]


@pytest.mark.parametrize("caption", sorted((ROOT / "workflow/report").rglob("*.rst")), ids=lambda path: path.stem)
def test_captions_render(caption):
    config = {"scores": {"at": [1, 5], "bootstrap": 1000}, "search": {"threads": 2}}
    config |= {"probes": {"epochs": 100}, "spaces": {"images": 5000}, "maps": {"images": 3000}}
    wildcards = SimpleNamespace(dataset="chest", model="pixels")
    job = SimpleNamespace(config=config, wildcards=wildcards)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(caption.read_text())
    text = template.render(snakemake=job)
    settings = {"report_level": 1, "halt_level": 1}
    assert publish_parts(text, writer="html", settings_overrides=settings)["body"].startswith("<p>")
