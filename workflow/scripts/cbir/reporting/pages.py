"""Tables as pages of the report: searched, sorted and saved in a browser, without a network."""

import csv
import json
from pathlib import Path


def write_page(table: str | Path, page: str | Path, template: str | Path, depths: list[int]) -> None:
    """Write a CSV table as an HTML page of its own; of a table with a column k, only the rows of the given depths.

    template: an HTML file with the places {title} and {data}. Values stay the text that the table has.
    """
    with Path(table).open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    if "k" in columns:
        shown = {"", *map(str, depths)}
        rows = [row for row in rows if row[columns.index("k")] in shown]
    data = json.dumps({"columns": columns, "rows": rows}, ensure_ascii=False).replace("<", "\\u003c")
    text = Path(template).read_text(encoding="utf-8").replace("{title}", Path(table).stem.replace("_", " "))
    Path(page).write_text(text.replace("{data}", data), encoding="utf-8")
