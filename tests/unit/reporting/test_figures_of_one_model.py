"""The figures of one model show the values of its tables, and every text is legible."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from cbir.reporting.figures import find_figure
from cbir.reporting.figures.style import COLORS, ONE_COLUMN, TWO_COLUMNS
from figure_checks import assert_all_is_inside_and_apart

STUDY = {
    **{("CT", "abdomen-pelvis"): 28, ("CT", "chest"): 6, ("CT", "head"): 4, ("MG", "breast"): 3, ("MR", "ankle"): 26},
    **{("MR", "brain"): 10, ("MR", "hip"): 13, ("MR", "knee"): 18, ("MR", "shoulder"): 14, ("MR", "spine"): 9},
    **{("OCT", "retina"): 1, ("OP", "retina"): 1, ("US", "abdomen"): 12, ("US", "thyroid"): 1, ("XR", "chest"): 15},
}
FORTY = {("CT", "abdomen"): 12, ("CT", "chest"): 6, ("MR", "brain"): 8, ("MR", "knee"): 6, ("XR", "chest"): 8}
FEW = {("MR", "brain"): 4, ("US", "breast"): 3, ("XR", "chest"): 4}


def draw_confusion(confusion):
    return find_figure("confusion")(confusion, styles={})


def draw_map(places):
    return find_figure("map")(places, styles={})


def plausible_confusion(groups):
    """Each label's queries find their own label half of the time, and otherwise one of three others."""
    generator = np.random.default_rng(0)
    labels = [f"{m}/{r}/anterior tear of a ligament {n:02}" for (m, r), count in groups.items() for n in range(count)]
    rows = []
    for place, label in enumerate(labels):
        others = generator.choice(np.delete(np.arange(len(labels)), place), 3, replace=False)
        rows += [(label, label, 0.5), *((label, labels[other], 0.5 / 3) for other in others)]
    return pd.DataFrame(rows, columns=["label", "neighbor_label", "share"]), labels


@pytest.mark.parametrize("groups", [FEW, FORTY, STUDY], ids=["11", "40", "161"])
def test_confusion_shows_every_share_and_names_labels_that_have_room(groups):
    confusion, labels = plausible_confusion(groups)
    figure = draw_confusion(confusion.sample(frac=1, random_state=0))
    assert_all_is_inside_and_apart(figure)
    panel = figure.axes[0]
    drawn = panel.collections[0].get_array().reshape(len(labels), len(labels))
    for row in confusion.itertuples():
        assert drawn[labels.index(row.label), labels.index(row.neighbor_label)] == row.share
    assert drawn.sum() == pytest.approx(len(labels))
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_visible()]
    assert all(" ".join(group) in texts for group in groups)
    assert len([text for text in texts if text.startswith("anterior")]) == (2 * len(labels) if len(labels) <= 40 else 0)


def test_confusion_of_few_labels_is_one_column_wide_and_of_more_labels_two():
    rows = [(f"XR/chest/finding {n:02}", f"XR/chest/finding {n:02}", 1.0) for n in range(25)]
    confusion = pd.DataFrame(rows, columns=["label", "neighbor_label", "share"])
    few, more = draw_confusion(confusion[:10]), draw_confusion(confusion)
    assert (few.get_figwidth(), more.get_figwidth()) == (ONE_COLUMN, TWO_COLUMNS)
    assert_all_is_inside_and_apart(few)


def test_confusion_has_thicker_lines_between_modalities_than_between_regions():
    confusion, _ = plausible_confusion(FORTY)
    lines = [line for line in draw_confusion(confusion).axes[0].get_lines() if len(line.get_xdata()) == 2]
    across = {line.get_ydata()[0]: line.get_linewidth() for line in lines if line.get_ydata()[0] == line.get_ydata()[1]}
    assert sorted(across) == [12, 18, 26, 32]
    assert across[12] == across[26] < across[18] == across[32]


def test_the_row_of_a_label_without_queries_is_grey_and_queries_without_a_neighbor_have_no_column():
    rows = [("XR/chest/a", "XR/chest/b", 0.75), ("XR/chest/a", "", 0.25)]
    figure = draw_confusion(pd.DataFrame(rows, columns=["label", "neighbor_label", "share"]))
    drawn = figure.axes[0].collections[0].get_array().reshape(2, 2)
    assert drawn[0].tolist() == [0, 0.75]
    assert np.ma.getmaskarray(drawn)[1].all()
    grid = [*figure.axes[0].get_xgridlines(), *figure.axes[0].get_ygridlines()]
    assert not any(line.get_visible() for line in grid)  # they would show through the grey


def plausible_map(findings):
    generator = np.random.default_rng(0)
    places = pd.DataFrame(generator.normal(0, 30, (600, 2)), columns=["x", "y"])
    parts = {"modality": 4, "anatomic_region": 9, "pathology": findings}
    for part, names in parts.items():
        number = np.minimum(generator.geometric(0.2, len(places)), names) - 1
        places[part] = [f"a {part} with a rather long name no {n}" if part == "pathology" else f"{n}" for n in number]
    return places


@pytest.mark.parametrize("findings", [2, 60])
def test_a_map_colours_every_image_by_the_most_frequent_names_and_counts_them(findings):
    places = plausible_map(findings)
    figure = draw_map(places)
    assert_all_is_inside_and_apart(figure)
    for panel, part in zip(figure.axes, ("modality", "anatomic_region", "pathology"), strict=True):
        np.testing.assert_allclose(panel.collections[0].get_offsets(), places[["x", "y"]])
        counts = places[part].value_counts()
        shown = panel.get_legend().get_texts()
        assert [int(text.get_text().split("(")[1][:-1]) for text in shown][:8] == counts.tolist()[:8]
        assert sum(int(text.get_text().split("(")[1][:-1]) for text in shown) == len(places)
        drawn = panel.collections[0].get_facecolor()
        first = (places[part] == counts.index[0]).to_numpy()
        assert {tuple(color[:3]) for color in drawn[first]} == {tuple(drawn[first][0][:3])}
        assert same_color(drawn[first][0][:3], COLORS[0])
        assert len({tuple(color) for color in drawn}) == min(len(counts), len(COLORS) + 1)


def test_names_that_are_equal_when_shortened_have_different_colours():
    places = plausible_map(2)
    places["pathology"] = [f"posterior cruciate ligament injury, grade {n % 2}" for n in range(len(places))]
    panel = draw_map(places).axes[2]
    assert len({tuple(color) for color in panel.collections[0].get_facecolor()}) == 2
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["posterior cruciate ligament i… (300)"] * 2
