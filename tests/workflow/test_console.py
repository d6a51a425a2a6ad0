import re
import sys

import pytest

from workflow_runs import ROOT, call


def test_a_run_without_a_terminal_prints_few_lines(finished):
    lines = (finished / "console.txt").read_text().splitlines()
    jobs, seconds = re.search(r"^(\d+) of \1 jobs done in (.*);", "\n".join(lines), re.MULTILINE).groups()
    assert int(jobs) > 20
    hours, minutes, seconds = map(int, seconds.split(":"))
    progress = [line for line in lines if " running, " in line]
    assert len(progress) <= (3600 * hours + 60 * minutes + seconds) / 30
    assert len(lines) - len(progress) <= 5, lines
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine.yaml", "tables"], "--configfile: no file tables; write targets first, as in snakemake tables --config"),
        (["typo.yaml"], "--configfile typo.yaml: no such file; give the path of an experiment's file"),
    ],
    ids=["target", "typo"],
)
def test_a_word_after_configfile_that_is_no_file_is_one_line(tmp_path, words, message):
    (tmp_path / "mine.yaml").touch()
    options = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "1", "--configfile", *words]
    done = call(sys.executable, "-m", "snakemake", *options, folder=tmp_path)
    assert done.returncode == 1
    announced, *lines = done.stderr.splitlines()
    assert announced.startswith("Using workflow specific profile")
    assert len(lines) == 1
    assert lines[0].startswith(message)


@pytest.mark.parametrize("target", ["results", "status"])
def test_make_answers_a_missing_experiment_with_one_line(tmp_path, target):
    done = call("make", "--file", str(ROOT / "Makefile"), target, "CONFIG=typo.yaml", folder=tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "CONFIG=typo.yaml: no such file; give the path of an experiment" in line


def test_make_takes_an_experiment_whose_path_has_a_space(tmp_path):
    (tmp_path / "my study.yaml").touch()
    makefile = ["--file", str(ROOT / "Makefile"), "--dry-run", "--assume-old", "setup"]
    done = call("make", *makefile, "results", "CONFIG=my study.yaml", folder=tmp_path)
    assert '--configfile "my study.yaml" --cores all' in done.stdout


def test_make_answers_config_in_small_letters(tmp_path):
    done = call("make", "--file", str(ROOT / "Makefile"), "results", "config=mine.yaml", folder=tmp_path)
    assert done.returncode != 0
    assert "write it in capitals, make results CONFIG=mine.yaml" in done.stderr
