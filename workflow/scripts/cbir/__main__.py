"""The command `cbir`."""

import argparse
import subprocess
import sys
from pathlib import Path

from cbir.errors import InputError
from cbir.experiment.yaml_files import read_mapping
from cbir.runs.clean import clean_results, forget_outputs, list_outputs
from cbir.runs.status import describe_status

PROJECT = Path(__file__).parents[3]  # the checkout, which holds the Snakefile


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cbir", description="Content-based image retrieval in radiology.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="say what an experiment has done and what is missing")
    status.add_argument("config", nargs="?", help="the experiment's file; without it the default experiment")
    status.set_defaults(run=lambda options: show_status(options.config))
    clean = commands.add_parser("clean", help="delete what an experiment wrote, and nothing else")
    clean.add_argument("config", nargs="?", help="the experiment's file; without it the default experiment")
    clean.set_defaults(run=lambda options: clean_experiment(options.config))
    results = commands.add_parser("results", help="say where an experiment writes")
    results.add_argument("config", nargs="?", help="the experiment's file; without it the default experiment")
    results.set_defaults(run=lambda options: print(find_results(options.config)))
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except InputError as error:
        print(f"cbir {options.command}: {error}", file=sys.stderr)
        return 1


def show_status(config: str | None) -> int:
    """Print what is done and what is missing of an experiment, asked of Snakemake without running anything."""
    if not (PROJECT / "Snakefile").is_file():
        raise InputError(f"{PROJECT}: no Snakefile; install cbir from its checkout: pip install --editable CHECKOUT")
    results = find_results(config)
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
    print(describe_status(asked.stdout.splitlines(), results))
    return 0


def clean_experiment(config: str | None) -> int:
    """Delete what the runs of an experiment wrote, and Snakemake's records of it in the working directory."""
    results = find_results(config)
    outputs = list_outputs(results)
    deleted, left = clean_results(results)
    forget_outputs(outputs, Path.cwd())
    print(f"{results}: " + (f"deleted {', '.join(deleted)}" if deleted else "nothing to delete"))
    if left:
        print(f"{results}: these stay, since no run of this experiment wrote them: {', '.join(left)}")
    return 0


def find_results(config: str | None) -> Path:
    """The results folder of an experiment, or of the default one."""
    path = Path(config or PROJECT / "config.yaml")
    if not path.is_file():
        raise InputError(f"{path}: no such experiment; give the file of one")
    return Path(str(read_mapping(path).get("results", "results")))


if __name__ == "__main__":
    sys.exit(main())
