import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbir.runs.by_hand import read_job
from workflow_runs import ROOT, command, run, tables, wait_for, write_experiment

OF_DATASETS = ["precision_at_k", "index_size", "levels", "comparisons", "label_frequency", "embedding_quality", "cost"]
OF_MODELS = ["confusion", "map", "gallery"]


def test_a_run_makes_every_table_and_figure(finished):
    made = {path.name for path in (finished / "results/tables").iterdir()}
    assert {"datasets.csv", "retrieval.csv", "comparisons.csv", "probes.csv", "cost.csv"} <= made
    for name in ("retrieval_main", "levels_main", "probes_main"):
        assert {f"{name}.csv", f"{name}.md", f"{name}.tex"} <= made
    drawn = finished / "results/figures"
    figures = {path.relative_to(drawn).as_posix() for path in drawn.rglob("*.*")}
    for name in (
        *OF_DATASETS,
        *(f"{name}/{model}" for name in OF_MODELS for model in ("efficientnet-lite0", "pixels")),
    ):
        assert {f"small/{name}.pdf", f"small/{name}.png"} <= figures


def test_the_precision_in_the_table_is_that_of_a_brute_force_search(finished):
    results = finished / "results"
    manifest = pd.read_parquet(results / "manifests/small.parquet")
    scores = pd.read_csv(results / "tables/retrieval.csv", dtype={"index_size": "str"})
    for model in ("efficientnet-lite0", "pixels"):
        embeddings = np.load(results / f"embeddings/small/{model}.npy").astype(np.float64)
        for size, draw in (("20", 1), ("full", 0)):
            rows = np.load(results / f"index_rows/small/{size}.{draw}.npy")
            for k in (1, 5):
                expected = []
                for query in np.flatnonzero(manifest["split"] == "test"):
                    label = manifest["label"][query]
                    order = rows[np.argsort(-(embeddings[rows] @ embeddings[query]), kind="stable")]
                    available = (manifest["label"][rows] == label).sum()
                    if available:
                        depth = min(k, available)
                        expected.append((manifest["label"][order[:depth]] == label).mean())
                found = scores.query(
                    "model == @model and index_size == @size and draw == @draw and k == @k and level == 'pathology' "
                    "and average == 'micro' and metric == 'precision'"
                )
                assert found["value"].item() == pytest.approx(np.mean(expected), abs=1e-9)
                assert found["queries"].item() == len(expected)


def test_no_patient_is_in_the_index_and_among_the_queries(finished):
    manifest = pd.read_parquet(finished / "results/manifests/small.parquet")
    assert manifest.groupby("patient_id")["split"].nunique().max() == 1


def test_a_second_call_finds_nothing_to_do(finished):
    done = run(finished, "--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert "last written with another" not in done.stdout


def test_a_run_names_a_changed_library_and_changed_packages(finished, tmp_path):
    record = json.loads((finished / "results/run.json").read_text())
    record["runs"][-1]["code"]["library"] = "0" * 64
    record["runs"][-1]["versions"]["numpy"] = "1.0"
    shutil.copy(finished / "experiment.yaml", tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/run.json").write_text(json.dumps(record))
    done = run(tmp_path, "--dry-run")
    assert done.returncode == 0
    assert "results was last written with another state of workflow/scripts/cbir, numpy." in done.stdout


@pytest.mark.slow
def test_one_core_gives_the_same_bytes_as_two(finished, data, tmp_path):
    write_experiment(tmp_path, data)
    done = run(tmp_path, "--cores", "1", "tables")
    assert done.returncode == 0, done.stdout
    assert tables(tmp_path) == tables(finished)


def test_a_killed_run_continues_where_it_was(finished, data, tmp_path):
    write_experiment(tmp_path, data)
    process = subprocess.Popen(
        command(tmp_path, "--cores", "2", "tables"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    embedded = tmp_path / "results/embeddings/small/pixels.npy"
    wait_for(lambda: embedded.exists() and list(tmp_path.glob("results/neighbors/**/*.npz")), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = embedded.stat().st_mtime_ns
    done = run(tmp_path, "--cores", "2", "tables")
    assert done.returncode == 0, done.stdout
    assert embedded.stat().st_mtime_ns == before
    assert tables(tmp_path) == tables(finished)


def test_a_second_run_at_the_same_time_is_refused_and_does_no_harm(finished, data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"])
    first = subprocess.Popen(
        command(tmp_path, "--cores", "1", "tables"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: (tmp_path / "results/manifests").exists(), first)
    second = run(tmp_path, "--cores", "1", "tables")
    assert second.returncode != 0
    assert "in use by another run" in second.stdout
    assert first.wait() == 0


def test_the_record_of_a_run_says_how_it_ended_and_what_made_the_results(finished):
    run = json.loads((finished / "results/run.json").read_text())["runs"][0]
    assert run["outcome"] == "success"
    assert run["ended"] >= run["started"]
    assert run["config"]["scores"]["at"] == [1, 3, 5, 10]
    assert {"snakemake", "torch", "faiss-cpu"} <= set(run["versions"])


def test_the_status_of_a_finished_run_has_nothing_missing(finished):
    said = subprocess.run(
        [sys.executable, "-m", "cbir", "status", "experiment.yaml"],
        cwd=finished,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"^all +\d+ +0$", said, re.MULTILINE), said
    assert "last run: success" in said


def test_a_script_runs_by_hand_from_the_log_of_its_job(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished)
    snakemake = read_job("results/logs/score_retrieval/small/pixels/exact/full.0.log")
    made = Path(snakemake.output.scores).read_bytes()
    snakemake.output.scores = str(tmp_path / "scores.parquet")
    snakemake.log[0] = str(tmp_path / "job.log")
    exec((ROOT / "workflow/scripts/score_retrieval.py").read_text(), {"snakemake": snakemake})
    assert (tmp_path / "scores.parquet").read_bytes() == made
