import re
import subprocess
import sys
from pathlib import Path

import pytest

from cbir.errors import InputError
from cbir.runs.clean import WRITTEN, clean_results, forget_outputs, list_outputs
from cbir.runs.lock import lock_results
from workflow_runs import ROOT, recorded_outputs

RULES = """
rule write:
    output: "results/tables/a.csv", "results/mine/tables/a.csv", directory("results/phantoms/p"), "other.txt"
    shell: "touch {output[0]} {output[1]} {output[3]}; mkdir -p {output[2]}"
"""


def write_results(folder: Path) -> None:
    """Write a few of the files that a run writes."""
    for name in ("tables/retrieval.csv", "logs/embed_images/a.log", "phantoms/p/1.png", "run.json", "report.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_experiment_inside_the_results_of_another_is_deleted_alone(tmp_path):
    write_results(tmp_path)
    write_results(tmp_path / "mine")
    before = files(tmp_path)
    deleted, left = clean_results(tmp_path / "mine")
    assert deleted == ["logs", "phantoms", "report.html", "run.json", "tables"]
    assert left == []
    assert not (tmp_path / "mine").exists()
    assert files(tmp_path) == {name for name in before if not name.startswith("mine/")}


def test_the_outer_of_two_experiments_is_deleted_alone(tmp_path):
    write_results(tmp_path)
    write_results(tmp_path / "mine")
    (tmp_path / ".gitkeep").touch()
    _, left = clean_results(tmp_path)
    assert left == ["mine"]
    assert files(tmp_path) == {".gitkeep", *(f"mine/{name}" for name in files(tmp_path / "mine"))}
    assert "mine/run.json" in files(tmp_path)


def test_an_experiment_in_a_folder_of_a_known_name_stays(tmp_path):
    write_results(tmp_path)
    write_results(tmp_path / "tables/mine")
    _, left = clean_results(tmp_path)
    assert left == ["tables"]
    assert "tables/mine/run.json" in files(tmp_path)


def test_what_no_run_wrote_stays_and_is_named(tmp_path):
    write_results(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "weights").mkdir()
    _, left = clean_results(tmp_path)
    assert left == ["notes.txt", "weights"]
    assert files(tmp_path) == {"notes.txt"}


def test_where_nothing_is_there_nothing_is_made(tmp_path):
    assert clean_results(tmp_path / "results") == ([], [])
    assert not (tmp_path / "results").exists()


def test_a_second_time_finds_nothing_to_delete(tmp_path):
    write_results(tmp_path)
    (tmp_path / ".gitkeep").touch()
    clean_results(tmp_path)
    assert clean_results(tmp_path) == ([], [])
    assert files(tmp_path) == {".gitkeep"}


def test_a_link_to_results_elsewhere_stays_and_its_folder_is_emptied(tmp_path):
    write_results(tmp_path / "scratch")
    (tmp_path / "results").symlink_to("scratch")
    clean_results(tmp_path / "results")
    assert (tmp_path / "results").is_symlink()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_link_inside_the_results_is_deleted_but_not_what_it_leads_to(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/1.vectors").write_text("x")
    write_results(tmp_path / "results")
    (tmp_path / "results/vectors").symlink_to(tmp_path / "disk")
    clean_results(tmp_path / "results")
    assert files(tmp_path) == {"disk/1.vectors"}


def test_results_that_a_run_is_writing_are_not_deleted(tmp_path):
    write_results(tmp_path)
    with lock_results(tmp_path), pytest.raises(InputError, match="in use by another run"):
        clean_results(tmp_path)
    assert "tables/retrieval.csv" in files(tmp_path)


def test_every_folder_that_a_rule_writes_is_known():
    rules = "".join(path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")])
    folders = set(re.findall(r"<results>/(\w+)/", rules))
    assert {"manifests", "tables", "scores"} <= folders
    assert folders <= set(WRITTEN)


def test_snakemake_forgets_the_files_of_the_experiment_and_no_others(tmp_path, monkeypatch):
    (tmp_path / "Snakefile").write_text(RULES)
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(snakemake, cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    (tmp_path / "results/tables/notes.txt").touch()  # Snakemake has no record of it
    (tmp_path / "results/mine/run.json").touch()
    assert recorded_outputs(tmp_path) == {
        "results/tables/a.csv",
        "results/mine/tables/a.csv",
        "results/phantoms/p",
        "other.txt",
    }
    monkeypatch.chdir(tmp_path)
    forget_outputs(list_outputs(Path("results")), tmp_path)
    assert recorded_outputs(tmp_path) == {"results/mine/tables/a.csv", "other.txt"}
