import json
import re
from pathlib import Path

from cbir.reporting.pages import write_page

TEMPLATE = Path(__file__).parents[3] / "workflow/report/table.html"


def shown(path: Path) -> dict:
    return json.loads(re.search(r'<script id="data" [^>]*>(.*?)</script>', path.read_text(), re.DOTALL).group(1))


def test_a_page_holds_the_rows_of_its_table_at_the_depths_wanted(tmp_path):
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
