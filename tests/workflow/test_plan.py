import subprocess
import sys

import yaml

from workflow_runs import ROOT


def test_the_plan_of_the_study_has_every_combination(tmp_path):
    experiment = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    for name, options in experiment["datasets"].items():
        if "root" in options:
            options["root"] = str(tmp_path / name)
            (tmp_path / name).mkdir()
    path = tmp_path / "paper.yaml"
    path.write_text(yaml.safe_dump(experiment))
    options = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path), "--configfile", str(path)]
    planned = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stdout
    counts = dict(line.split() for line in planned.stdout.splitlines() if len(line.split()) == 2)
    datasets, models, sizes, draws = 5, 9, 8, 3
    combinations = datasets * models * ((sizes - 1) * draws + 1)
    assert int(counts["score_retrieval"]) == int(counts["search_index"]) == combinations == 990
    assert int(counts["fetch_weights"]) == models
    assert int(counts["unite_embeddings"]) == models
