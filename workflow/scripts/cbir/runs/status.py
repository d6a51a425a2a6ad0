"""How far the work on a results folder is, for a person who looks in."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cbir.runs.record import read_runs
from cbir.runs.running import list_jobs


def describe_status(summary: Iterable[str], results: Path) -> str:
    """A table of the files done and missing and the jobs running, a row a rule; the running jobs; the last run.

    summary: the lines of `snakemake --summary`. What depends on a manifest that is missing is not counted yet.
    """
    jobs = list_jobs(results)
    running = Counter(title.split()[0] for title in jobs)
    done, missing = Counter(), Counter()
    for row in csv.DictReader(summary, delimiter="\t"):
        (missing if row["plan"] == "update pending" else done)[row["rule"]] += 1
    rules = dict.fromkeys([*done, *missing, *running])
    rows = [(rule, done[rule], running[rule], missing[rule]) for rule in sorted(rules)]
    rows.append(("all", done.total(), running.total(), missing.total()))
    lines = [f"{'rule':<24}{'files done':>12}{'jobs running':>14}{'files missing':>15}"]
    lines += [f"{rule:<24}{files:>12,}{now:>14,}{left:>15,}" for rule, files, now, left in rows]
    lines += [f"running: {job}" for job in jobs]
    for run in read_runs(results)[-1:]:
        lines.append(f"last run: {run['outcome']}, started {run['started']}, ended {run['ended'] or '-'}")
    return "\n".join(lines)
