import os
import shutil
import subprocess
import sys

from workflow_runs import ROOT, call, recorded_outputs, run


def clean(folder, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cbir", "clean", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_everything_that_a_run_wrote_is_deleted_and_made_again(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "results/other").mkdir()
    (folder / "results/other/run.json").touch()
    (folder / ".snakemake/conda").mkdir(exist_ok=True)
    done = clean(folder, "experiment.yaml")
    assert done.returncode == 0, done.stdout
    assert [path.name for path in (folder / "results").iterdir()] == ["other"]
    assert "no run of this experiment wrote them: other" in done.stdout
    assert (folder / ".snakemake/conda").is_dir()
    # what remains are records of temporary files, which Snakemake keeps after it has deleted the files
    assert all("/shards/" in name for name in recorded_outputs(folder))
    planned = run(folder, "--dry-run", "--quiet", "rules")
    assert planned.returncode == 0, planned.stdout
    assert "make_manifest" in planned.stdout


def test_an_experiment_that_is_not_there_is_named(tmp_path):
    done = clean(tmp_path, "typo.yaml")
    assert done.returncode == 1
    assert done.stdout.strip() == "cbir clean: typo.yaml: no such experiment; give the file of one"


def test_make_clean_cleans_the_experiment_of_config_only(tmp_path):
    (tmp_path / "my experiment.yaml").touch()
    makefile = ["--file", str(ROOT / "Makefile"), "--dry-run", "--assume-old", "setup"]
    said = call("make", *makefile, "clean", "CONFIG=my experiment.yaml", folder=tmp_path).stdout
    assert 'cbir clean "my experiment.yaml"' in said
    assert "rm " not in said
