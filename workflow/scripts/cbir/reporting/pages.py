"""Tables as pages of the report, which a browser can search, sort and save without a network."""

import csv
import html
import json
from collections.abc import Sequence
from pathlib import Path

from cbir.files import set_aside, whole_file


def write_page(
    table: str | Path, page: str | Path, template: str | Path, depths: list[int], notes: Sequence[str] = ()
) -> None:
    """Write a CSV table as an HTML page.

    template: an HTML file with the placeholders {title}, {notes} and {data}. depths: in a table with a column k, only
    rows with these values, or with none, are shown. notes: plain text, one paragraph each, above the table. The page
    shows the text of the CSV file; numbers are not converted. Raises InputError for a damaged table, which is set
    aside.
    """
    columns, rows = _read_text(table)
    if "k" in columns:
        shown = {"", *map(str, depths)}
        rows = [row for row in rows if row[columns.index("k")] in shown]
    data = json.dumps({"columns": columns, "rows": rows}, ensure_ascii=False).replace("<", "\\u003c")
    text = Path(template).read_text(encoding="utf-8").replace("{title}", Path(table).stem.replace("_", " "))
    text = text.replace("{notes}", "".join(f"<p>{html.escape(note)}</p>\n" for note in notes))
    with whole_file(page) as partial:
        partial.write_text(text.replace("{data}", data), encoding="utf-8")


def _read_text(table: str | Path) -> tuple[list[str], list[list[str]]]:
    """The columns and the rows of a CSV file, as text."""
    try:
        with Path(table).open(encoding="utf-8", newline="") as file:
            columns, *rows = csv.reader(file)
    except (ValueError, csv.Error) as error:  # an empty file, or bytes that are not text
        raise set_aside(table, f"not a complete table ({error})") from error
    if any(len(row) != len(columns) for row in rows):
        raise set_aside(table, f"not a complete table (a row has more or fewer than {len(columns)} values)")
    return columns, rows
