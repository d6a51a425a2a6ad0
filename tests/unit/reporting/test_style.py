"""The look that all figures share: colours, places of names, and files with the same bytes."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cbir.reporting.figures import confusion, gallery, index_size
from cbir.reporting.figures.style import (
    COLORS,
    GREYS,
    label_line_ends,
    make_panels,
    model_styles,
    save_figure,
    spread_out,
)
from figure_checks import FEW, LABELS, paint_image, plausible_index_size, plausible_neighbors

ROOT = Path(__file__).parents[3]


def test_a_model_keeps_its_look_when_others_follow_and_controls_are_grey():
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
def test_colours_can_be_told_apart_with_every_kind_of_colour_vision(sight):
    colors = lab(COLORS, sight)
    distance = np.linalg.norm(colors[:, None] - colors, axis=2)[np.triu_indices(len(COLORS), 1)]
    assert distance.min() > 12  # about five times the smallest difference that is visible side by side
    assert lab(COLORS, sight)[:, 0].max() < 75  # dark enough for a thin line on white


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.08))
def test_names_are_spread_apart_inside_the_panel_and_stay_in_order(places, gap):
    spread = spread_out(np.sort(places), gap)
    assert (np.diff(spread) >= gap - 1e-9).all()
    assert spread.min() >= -1e-9
    assert spread.max() <= 1 + 1e-9


def test_names_with_enough_room_stay_where_they_are():
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


def save_some(folder):
    shares = pd.DataFrame({"label": LABELS, "neighbor_label": LABELS[::-1], "share": 0.5})
    styles = model_styles(FEW)
    figures = {
        "index_size": index_size.draw(plausible_index_size(FEW), styles=styles),
        "gallery": gallery.draw(*plausible_neighbors(), styles=styles, read_image=paint_image),
        "confusion": confusion.draw(shares, styles=styles),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.pdf", folder / f"{name}.png")


def test_figures_are_the_same_bytes_in_every_process(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    save_some(here)
    code = f"import pathlib, test_style; test_style.save_some(pathlib.Path({str(there)!r}))"
    folders = [str(ROOT / folder) for folder in ("tests", "tests/unit/reporting", "workflow/scripts")]
    paths = f"import sys; sys.path[:0] = {folders!r}; "
    environment = {"SOURCE_DATE_EPOCH": "1", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", paths + code], check=True, env=environment)
    assert digests(here) == digests(there)
    assert len(digests(here)) == 6


def test_a_figure_that_cannot_be_written_leaves_no_file(tmp_path, monkeypatch):
    def fill_the_disk(figure, path, **options):
        path.write_bytes(b"half a figure")
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        save_figure(Figure(), tmp_path / "f.pdf", tmp_path / "f.png")
    assert list(tmp_path.iterdir()) == []
