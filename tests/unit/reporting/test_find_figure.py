"""A figure is found by its name, and all figures are called in the same way."""

import inspect

import pytest

from cbir.errors import InputError
from cbir.reporting import figures
from cbir.reporting.figures import figure_names, find_figure


def test_the_figures_are_the_modules_of_their_folder():
    names = "comparisons confusion cost embedding_quality gallery index_size label_frequency levels map precision_at_k"
    assert figure_names() == [*names.split(), "recall_speed"]


@pytest.mark.parametrize("name", figure_names())
def test_every_figure_takes_its_inputs_by_place_and_the_styles_by_name(name):
    parameters = inspect.signature(find_figure(name)).parameters.values()
    *inputs, styles = [parameter for parameter in parameters if parameter.name != "read_image"]
    assert inputs
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in inputs)
    assert (styles.name, styles.kind) == ("styles", inspect.Parameter.KEYWORD_ONLY)


def test_an_unknown_figure_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"no figure 'level' \(did you mean levels\?\); the figures are comparisons, "):
        find_figure("level")
    with pytest.raises(InputError, match="no figure 'style'"):
        find_figure("style")


def test_a_module_added_to_the_folder_is_a_figure(tmp_path, monkeypatch):
    (tmp_path / "scatter.py").write_text("def draw(scores, *, styles):\n    return scores, styles\n")
    monkeypatch.setattr(figures, "__path__", [*figures.__path__, str(tmp_path)])
    assert find_figure("scatter")("scores", styles={}) == ("scores", {})
