import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cbir.runs.lock import lock_results
from workflow_runs import ROOT, write_experiment

CHECKOUT = ["Snakefile", "config.yaml", "config", "envs", "profiles", "workflow"]
MODULE = """
configfile: "experiments.yaml"

module cbir:
    snakefile: {snakefile}
    config: config["cbir"]
"""
RULES_BESIDE = """
rule all:
    input: "summary.txt"

rule summary:
    input: "results/mine/pages/datasets.html"
    output: "summary.txt"
    shell: "wc -c {input} > {output}"
"""
# as snakedeploy writes it to workflow/Snakefile
DEPLOYED = """
configfile: "config/config.yaml"

module cbir:
    snakefile:
        github("lab/cbir", path="Snakefile", tag="v1")
    config:
        config

use rule * from cbir
"""


def snakemake(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder with a Snakefile of its own. The result has the output of both streams in stdout."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=variables | environment,
        check=False,
    )


def write_outer_workflow(folder: Path, data: Path, text: str) -> None:
    """Write a Snakefile that has this workflow as its module `cbir`, and experiments.yaml, its configuration.

    text: what the Snakefile says, with MODULE in place of `<module>`.
    """
    experiment = write_experiment(folder, data, models=["pixels"], index_sizes=["full"], results="results/mine")
    (folder / "experiments.yaml").write_text(yaml.safe_dump({"cbir": yaml.safe_load(experiment.read_text())}))
    module = MODULE.format(snakefile=repr(str(ROOT / "Snakefile")))
    (folder / "Snakefile").write_text(text.replace("<module>", module))


def planned_rules(said: str) -> set[str]:
    """The rules that a dry run names in its list of jobs."""
    return set(re.findall(r"^(\w+) +\d+$", said, re.MULTILINE)) - {"total"}


@pytest.fixture(scope="module")
def outer(tmp_path_factory, data) -> Path:
    """The folder of a finished run of an outer workflow, whose module has a prefix and whose rule takes its page.

    Its handlers stand before and after the module, and write what they see to handlers.txt.
    """
    folder = tmp_path_factory.mktemp("outer")
    first = 'onstart:\n    shell("echo start >> handlers.txt")\n'
    last = 'onsuccess:\n    shell("echo success >> handlers.txt")\n'
    write_outer_workflow(folder, data, f"{first}{RULES_BESIDE}<module>\nuse rule * from cbir as cbir_*\n{last}")
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stdout
    return folder


def test_a_rule_of_an_outer_workflow_takes_a_page_of_the_module(outer):
    assert int((outer / "summary.txt").read_text().split()[0]) > 1000
    datasets = pd.read_csv(outer / "results/mine/tables/datasets.csv")
    assert set(datasets["dataset"]) == {"small"}


def test_the_rules_of_a_module_get_its_prefix(outer):
    planned = snakemake(outer, "cbir_all", "--dry-run", "--forceall", "--quiet", "rules")
    assert planned.returncode == 0, planned.stdout
    found = planned_rules(planned.stdout)
    assert {"cbir_make_manifest", "cbir_embed_images", "cbir_search_index", "cbir_draw_levels", "cbir_all"} <= found
    assert all(rule.startswith("cbir_") for rule in found)
    assert "localrules directive" not in planned.stdout


def test_a_run_of_a_module_is_recorded_beside_the_handlers_of_the_outer_workflow(outer):
    runs = json.loads((outer / "results/mine/run.json").read_text())["runs"]
    assert [run["outcome"] for run in runs] == ["success"]
    assert runs[0]["code"]["library"]
    assert (outer / "handlers.txt").read_text().split() == ["start", "success"]


def test_a_module_does_not_write_to_results_that_are_in_use(outer):
    with lock_results(outer / "results/mine"):
        refused = snakemake(outer, "--cores", "1", "--forceall")
    assert refused.returncode != 0
    assert "results/mine is in use by another run" in refused.stdout


def test_the_report_of_an_outer_workflow_has_the_captions_of_the_module(outer):
    done = snakemake(outer, "--report", "report.html")
    assert done.returncode == 0, done.stdout
    assert "Images, patients and labels of each" in (ROOT / "workflow/report/tables/datasets.rst").read_text()
    assert "Images, patients and labels of each" in (outer / "report.html").read_text()


def test_without_a_prefix_the_targets_of_a_module_keep_their_names(data, tmp_path):
    write_outer_workflow(tmp_path, data, "<module>\nuse rule * from cbir\n")
    planned = snakemake(tmp_path, "--dry-run", "--quiet", "rules")
    assert planned.returncode == 0, planned.stdout
    assert {"make_manifest", "draw_levels", "show_retrieval", "all"} <= planned_rules(planned.stdout)


def test_a_module_with_a_folder_as_prefix_is_refused_with_the_remedy(data, tmp_path):
    write_outer_workflow(tmp_path, data, '<module>    prefix: "sub"\n\nuse rule * from cbir\n')
    refused = snakemake(tmp_path, "--dry-run")
    assert refused.returncode != 0
    assert "give the results folder as the key `results` of the experiment" in " ".join(refused.stdout.split())


def test_a_module_with_another_results_folder_as_pathvar_is_refused_with_the_remedy(data, tmp_path):
    write_outer_workflow(tmp_path, data, '<module>    pathvars:\n        results="sub"\n\nuse rule * from cbir\n')
    refused = snakemake(tmp_path, "--dry-run")
    assert refused.returncode != 0
    assert "give the results folder as the key `results` of the experiment" in " ".join(refused.stdout.split())


@pytest.fixture
def deployed(tmp_path) -> tuple[Path, dict[str, str]]:
    """A deployment of the tag v1 of a git repository, as snakedeploy makes it, and the environment it needs.

    git finds the repository, which GitHub would have, in a local folder.
    """
    repository, folder = tmp_path / "hosted/lab/cbir", tmp_path / "deployed"
    for made in (repository, folder / "workflow"):
        made.mkdir(parents=True)
    subprocess.run(["cp", "-R", *CHECKOUT, repository], cwd=ROOT, check=True)
    git = ["git", "-C", str(repository), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for arguments in (["init"], ["add", "."], ["commit", "-m", "state"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for copied in ("config", "profiles"):
        shutil.copytree(repository / copied, folder / copied)
    (folder / "workflow/Snakefile").write_text(DEPLOYED)
    environment = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/hosted/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    return folder, environment


def test_a_deployment_from_a_git_tag_starts_with_the_default_experiment(deployed):
    folder, environment = deployed
    done = snakemake(folder, "--cores", "1", "results/manifests/unsplit/dicom-samples.parquet", **environment)
    assert done.returncode == 0, done.stdout
    assert len(pd.read_parquet(folder / "results/manifests/unsplit/dicom-samples.parquet")) > 10
    assert json.loads((folder / "results/run.json").read_text())["runs"][-1]["outcome"] == "success"


def test_the_experiment_that_a_deployment_starts_with_is_the_default_one():
    same = (ROOT / "config/config.yaml").read_bytes() == (ROOT / "config.yaml").read_bytes()
    assert same, "cp config.yaml config/config.yaml"
