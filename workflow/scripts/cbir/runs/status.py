"""How far the work on a results folder is, for a person who looks in."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cbir.runs.record import read_runs


def describe_status(summary: Iterable[str], results: Path) -> str:
    """A table of the files that are done and that are missing, one row per rule; then how the last run ended.

    summary: the lines of `snakemake --summary`.
    """
    done, missing = Counter(), Counter()
    for row in csv.DictReader(summary, delimiter="\t"):
        (missing if row["plan"] == "update pending" else done)[row["rule"]] += 1
    rows = [(rule, done[rule], missing[rule]) for rule in sorted({*done, *missing})]
    rows.append(("all", done.total(), missing.total()))
    lines = [f"{'rule':<26}{'files done':>12}{'files missing':>15}"]
    lines += [f"{rule:<26}{files:>12,}{left:>15,}" for rule, files, left in rows]
    for run in read_runs(results)[-1:]:
        lines.append(f"last run: {run['outcome']}, started {run['started']}, ended {run['ended'] or '-'}")
    return "\n".join(lines)
