"""Run the benchmarks and write docs/performance.md and docs/intervals.md from their output. `make bench` runs this.

    .venv/bin/python benchmarks/write_page.py [--quick] [performance] [intervals]

All of it takes about an hour on two cores, and the machine should do nothing else; docs/intervals.md alone takes some
minutes, and its numbers do not depend on the machine. With --quick it measures smaller cases once, in some minutes.
"""

import argparse
import ast
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
PAGES = {  # the benchmarks of each page, with the options of a quick run
    "performance": {
        "embed": ["--images=64", "--batch=32", "--rounds=1"],
        "search": ["--small", "--rounds=1"],
        "score": ["--small"],
        "manifest": [],
    },
    "intervals": {"coverage": ["--small"]},
}
HEADERS = {
    "performance": """\
# Performance

This page is written by `make bench`; don't edit it. Numbers depend on the machine, so compare ratios rather than
absolute times. {kind} run on {date}: {machine}.
""",
    "intervals": """\
# Intervals

This page is written by `make bench`; don't edit it. It compares the 95 % intervals of the tables, `jeffreys`, with
other methods. The docstrings of `workflow/scripts/cbir/evaluation/intervals.py` define the method. {kind} run on
{date}.
""",
}


def describe_machine() -> str:
    """The processor, cores and memory of this machine in words."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{found[1] if found else platform.processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory"


def run_benchmark(name: str, options: list[str]) -> str:
    """The section of one benchmark: what it measures, the command, and what it printed."""
    title, _, text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text())).partition("\n")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("    ")).strip()
    print(f"benchmarks/{name}.py {' '.join(options)}", flush=True)
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    print(printed, flush=True)
    heading = f"## {name.capitalize()}\n\n{title}\n\n{text}".rstrip()
    return f"{heading}\n\n```\n$ python {' '.join([f'benchmarks/{name}.py', *options])}\n{printed.rstrip()}\n```\n"


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller cases, once, in some minutes")
    parser.add_argument("pages", nargs="*", choices=list(PAGES), default=list(PAGES), help="all by default")
    given = parser.parse_args()
    date, kind = datetime.now(UTC).date().isoformat(), "Quick" if given.quick else "Full"
    for page in given.pages:
        header = HEADERS[page].format(kind=kind, date=date, machine=describe_machine())
        sections = [run_benchmark(name, options if given.quick else []) for name, options in PAGES[page].items()]
        (FOLDER.parent / f"docs/{page}.md").write_text("\n".join([header, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
