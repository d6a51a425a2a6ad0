import json
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from workflow_runs import command, run, wait_for, write_experiment

pytestmark = pytest.mark.slow
TABLE = "results/tables/retrieval.csv"
PARTS = {
    "manifest": "manifests/small.parquet",
    "embedding": "embeddings/small/pixels.npy",
    "index rows": "index_rows/small/full.0.npy",
    "index": "indexes/small/pixels/exact/full.0.faiss",
    "neighbors": "neighbors/small/pixels/exact/full.0.npz",
    "scores": "scores/small/pixels/exact/full.0.parquet",
}


def start(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        command(folder, "--cores", "2", TABLE), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def jobs(folder: Path, rule: str) -> list[psutil.Process]:
    """The processes that run the script of a rule in `folder`."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"].startswith("python")
        and re.fullmatch(rf"{folder}/.*\.{rule}\.py", (process.info["cmdline"] or [""])[-1])
    ]


@pytest.fixture(scope="module")
def retrieved(tmp_path_factory, data) -> Path:
    """The folder of a run with one model, up to the table of scores."""
    folder = tmp_path_factory.mktemp("retrieved")
    write_experiment(folder, data, models=["pixels"], index_draws=1)
    done = run(folder, "--cores", "2", TABLE)
    assert done.returncode == 0, done.stdout
    return folder


def check_same_end(folder: Path, retrieved: Path) -> None:
    done = run(folder, "--cores", "2", TABLE)
    assert done.returncode == 0, done.stdout
    assert (folder / TABLE).read_bytes() == (retrieved / TABLE).read_bytes()


def test_the_same_command_finishes_a_killed_job(retrieved, data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"], index_draws=1)
    first = start(tmp_path)
    wait_for(lambda: jobs(tmp_path, "embed_images"), first)
    manifest = tmp_path / "results" / PARTS["manifest"]
    before = manifest.stat().st_mtime_ns
    for job in jobs(tmp_path, "embed_images"):
        job.kill()
    said, _ = first.communicate()
    assert first.returncode != 0
    assert "error in embed_images small/pixels" in said
    assert "died with <Signals.SIGKILL: 9>" in said
    check_same_end(tmp_path, retrieved)
    assert manifest.stat().st_mtime_ns == before


def test_a_killed_embedding_job_continues_at_the_batch_where_it_was(data, tmp_path):
    options = {"threads": 1, "batch_size": 4, "shards": 1}
    write_experiment(tmp_path, data, models=["efficientnet-lite0"], index_draws=1, embedding=options)
    store = tmp_path / "results/vectors/efficientnet-lite0"

    def images() -> int:
        """Number of images in the store. A record has a hash of 16 bytes and 1,280 numbers of 4 bytes."""
        return sum(path.stat().st_size // (16 + 4 * 1280) for path in store.rglob("*.vectors"))

    first = start(tmp_path)
    wait_for(lambda: images() >= 12, first)
    for job in jobs(tmp_path, "embed_images"):
        job.kill()
    first.communicate()
    known = images()
    distinct = len(pd.read_parquet(tmp_path / "results/pixels/small.parquet"))
    assert 12 <= known < distinct
    done = run(tmp_path, "--cores", "2", TABLE)
    assert done.returncode == 0, done.stdout
    (record,) = (tmp_path / "results/embeddings/shards").rglob("*.json")
    assert json.loads(record.read_text())["embedded"] == distinct - known
    assert images() == distinct


def test_a_job_that_outlives_its_killed_run_does_no_harm(retrieved, data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"], index_draws=1)
    first = start(tmp_path)
    wait_for(lambda: jobs(tmp_path, "embed_images"), first)
    orphans = jobs(tmp_path, "embed_images")
    for orphan in orphans:
        orphan.suspend()
    first.kill()
    first.wait()
    check_same_end(tmp_path, retrieved)
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.resume()
    _, alive = psutil.wait_procs(orphans, timeout=60)
    assert not alive
    check_same_end(tmp_path, retrieved)


@pytest.fixture
def small_disk(tmp_path):
    """The folder of a disk of 500 kB, and a function that enlarges the disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", disk], stderr=subprocess.PIPE, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small disk needs root: {mounted.stderr.strip()}")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_run_that_filled_the_disk_continues_when_there_is_room(retrieved, data, small_disk):
    disk, enlarge = small_disk
    write_experiment(disk, data, models=["pixels"], index_draws=1)
    done = run(disk, "--cores", "2", TABLE)
    assert done.returncode != 0
    assert "No space left on device" in done.stdout
    unsplit = disk / "results/manifests/unsplit/small.parquet"
    before = unsplit.stat().st_mtime_ns
    enlarge()
    check_same_end(disk, retrieved)
    assert unsplit.stat().st_mtime_ns == before


@pytest.mark.parametrize("part", PARTS)
def test_a_truncated_file_is_set_aside_and_only_this_file_is_made_again(retrieved, tmp_path, part):
    folder = shutil.copytree(retrieved, tmp_path / "copy", copy_function=shutil.copy2)
    damaged = folder / "results" / PARTS[part]
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    files = {name: folder / "results" / path for name, path in PARTS.items()}
    for later in list(files)[list(files).index(part) + 1 :]:
        files.pop(later).unlink()
    files |= {store.name: store for store in (folder / "results/vectors").rglob("*.vectors")}
    stores = len(list((folder / "results/vectors").rglob("*.vectors")))
    del files[part]
    (folder / TABLE).unlink()
    before = {path: path.stat().st_mtime_ns for path in files.values()}
    done = run(folder, "--cores", "2", TABLE)
    assert done.returncode != 0
    assert f"The file is now {damaged.name}.damaged; run the same command again" in done.stdout
    check_same_end(folder, retrieved)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((folder / "results/vectors").rglob("*.vectors"))) == stores  # no image was embedded again
