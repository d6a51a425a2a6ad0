"""The captions of the report."""

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from docutils.core import publish_parts

from cbir.reporting.figures import figure_names

REPORT = Path(__file__).parents[3] / "workflow/report"


@pytest.mark.parametrize("caption", sorted(REPORT.rglob("*.rst")), ids=lambda path: path.stem)
def test_captions_render(caption):
    config = {"scores": {"at": [1, 5]}, "search": {"threads": 2}}
    config |= {"probes": {"k": [1, 50, 200], "steps": 20000}, "spaces": {"images": 5000}, "maps": {"images": 3000}}
    wildcards = SimpleNamespace(dataset="chest", model="pixels")
    job = SimpleNamespace(config=config, wildcards=wildcards)
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(caption.read_text())
    text = template.render(snakemake=job)
    settings = {"report_level": 1, "halt_level": 1}
    assert publish_parts(text, writer="html", settings_overrides=settings)["body"].startswith("<p>")


def test_every_figure_has_a_caption():
    assert set(figure_names()) <= {caption.stem for caption in REPORT.glob("*.rst")}
