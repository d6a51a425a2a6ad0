"""Tables as pages of the report."""

import json
import re
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.reporting.pages import write_page

TEMPLATE = Path(__file__).parents[3] / "workflow/report/table.html"


def shown(path: Path) -> dict:
    return json.loads(re.search(r'<script id="data" [^>]*>(.*?)</script>', path.read_text(), re.DOTALL).group(1))


def test_a_page_holds_the_rows_of_its_table_at_the_given_depths(tmp_path):
    (tmp_path / "index_size.csv").write_text("label,k,value\na,1,0.25\na,2,0.5\nb,,1.0\n")
    write_page(tmp_path / "index_size.csv", tmp_path / "page.html", TEMPLATE, depths=[1])
    assert shown(tmp_path / "page.html") == {
        "columns": ["label", "k", "value"],
        "rows": [["a", "1", "0.25"], ["b", "", "1.0"]],
    }
    assert "<h1>index size</h1>" in (tmp_path / "page.html").read_text()


def test_a_label_that_looks_like_markup_stays_text(tmp_path):
    (tmp_path / "t.csv").write_text('label\n"</script><b>{title}"\n')
    write_page(tmp_path / "t.csv", tmp_path / "page.html", TEMPLATE, depths=[])
    assert shown(tmp_path / "page.html")["rows"] == [["</script><b>{title}"]]


def test_notes_are_paragraphs_of_text_above_the_table(tmp_path):
    (tmp_path / "t.csv").write_text("value\n1\n")
    write_page(tmp_path / "t.csv", tmp_path / "page.html", TEMPLATE, depths=[], notes=["P@1 < .5 & so on", "Second."])
    text = (tmp_path / "page.html").read_text()
    assert "<h1>t</h1>\n<p>P@1 &lt; .5 &amp; so on</p>\n<p>Second.</p>\n<input" in text
    write_page(tmp_path / "t.csv", tmp_path / "page.html", TEMPLATE, depths=[])
    assert "<h1>t</h1>\n<input" in (tmp_path / "page.html").read_text()


def test_numbers_keep_the_text_that_the_table_has(tmp_path):
    (tmp_path / "t.csv").write_text("value,images\n0.30000000000000004,034\n1e-05,\n")
    write_page(tmp_path / "t.csv", tmp_path / "page.html", TEMPLATE, depths=[])
    assert shown(tmp_path / "page.html")["rows"] == [["0.30000000000000004", "034"], ["1e-05", ""]]


@pytest.mark.parametrize("content", [b"", b"label,k\na,1\nb", b"label,k\n\xff,1\n"], ids=["empty", "cut off", "bytes"])
def test_a_damaged_table_is_set_aside_and_leaves_no_page(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.csv: not a complete table .* run the same command again"):
        write_page(tmp_path / "t.csv", tmp_path / "page.html", TEMPLATE, depths=[1])
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv.damaged"]
