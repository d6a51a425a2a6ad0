"""The command `cbir`."""

import argparse
import subprocess
import sys
from pathlib import Path

import yaml

from cbir.errors import InputError
from cbir.runs.status import describe_status

PROJECT = Path(__file__).parents[3]  # the checkout, which holds the Snakefile


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cbir", description="Content-based image retrieval in radiology.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="say what an experiment has done and what is missing")
    status.add_argument("config", nargs="?", help="the experiment's file; without it the default experiment")
    status.set_defaults(run=lambda options: show_status(options.config))
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"cbir {options.command}: {error}", file=sys.stderr)
        return 1


def show_status(config: str | None) -> int:
    """Print what is done and what is missing of an experiment, asked of Snakemake without running anything."""
    if not (PROJECT / "Snakefile").is_file():
        raise InputError(f"{PROJECT}: no Snakefile; install cbir from its checkout: pip install --editable CHECKOUT")
    path = Path(config or PROJECT / "config.yaml")
    if not path.is_file():
        raise InputError(f"{path}: no such experiment; give the file of one")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(PROJECT / "Snakefile"),
        "--summary",
        "--quiet",
        "all",
    ]
    asked = subprocess.run(
        [*command, *(["--configfile", config] if config else [])], stdout=subprocess.PIPE, text=True, check=False
    )
    if asked.returncode:
        return asked.returncode
    results = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("results", "results")
    print(describe_status(asked.stdout.splitlines(), Path(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
