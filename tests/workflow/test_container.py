import re
import shutil
import subprocess
import tomllib

import pytest

from workflow_runs import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_has_the_python_of_the_environments_and_the_packages_of_the_lock():
    python = tomllib.loads((ROOT / "envs/packages.toml").read_text())["python"]
    assert f"FROM python:{python}-" in DOCKERFILE
    assert re.search(r"^COPY envs/lock\.txt (\S+)$\nRUN .*--requirement \1$", DOCKERFILE, re.MULTILINE)


def test_the_image_contains_every_file_that_a_run_reads():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    assert {"Snakefile", "config.yaml", "config", "envs", "profiles", "workflow"} <= kept


@pytest.mark.slow
def test_the_image_is_built_and_plans_the_default_experiment():
    engine = next((name for name in ("docker", "podman") if shutil.which(name)), None)
    if engine is None or subprocess.run([engine, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no container engine here")
    subprocess.run([engine, "build", "--tag", "cbir:test", ROOT], check=True)
    planned = subprocess.run(
        [engine, "run", "--rm", "--user", "12345", "--tmpfs", "/data", "cbir:test", "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    assert "embed_images" in planned.stdout
