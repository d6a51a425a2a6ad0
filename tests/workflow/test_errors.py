from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from workflow_runs import make_dataset, run, write_experiment


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sede": 1}, "sede: unknown key (did you mean seed?)"),
        ({"models": ["pixel"]}, "'pixel' is not in the catalogue (did you mean pixels?)"),
        ({"datasets": {"x": {"source": "tables"}}}, "datasets.x.source: 'tables' is no source (did you mean table?)"),
        ({"index_sizes": ["5-per-lable"]}, "index_sizes.0"),
    ],
    ids=["key", "model", "source", "index size"],
)
def test_a_bad_configuration_is_refused_before_anything_runs(data, tmp_path, changes, message):
    write_experiment(tmp_path, data, **changes)
    done = run(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert message in done.stdout
    assert not (tmp_path / "results").exists()


def test_an_experiment_of_ones_own_takes_no_value_from_the_default_experiment(data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"])
    planned = run(tmp_path, "-n").stdout
    assert "small" in planned
    assert "phantoms" not in planned
    assert "dicom-samples" not in planned


def test_the_message_about_a_missing_root_names_its_folder_and_its_key(tmp_path):
    write_experiment(tmp_path, tmp_path / "nowhere", models=["pixels"])
    done = run(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert f"no folder {tmp_path}/nowhere; set datasets.small.root" in done.stdout


@pytest.fixture
def broken(tmp_path):
    """The names of three broken files in a dataset: a truncated image, an empty file and a text file."""
    make_dataset(tmp_path / "data", patients=8)
    images = sorted((tmp_path / "data/XR/chest").iterdir())
    images[0].write_bytes(images[0].read_bytes()[:300])
    images[1].write_bytes(b"")
    images[2].write_text("no image")
    write_experiment(tmp_path, tmp_path / "data", models=["pixels"], index_sizes=["full"])
    return [path.name for path in images[:3]]


def test_one_message_before_the_embedding_names_all_unreadable_images(tmp_path, broken):
    done = run(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert "3 of 48 images cannot be read" in done.stdout
    assert not (tmp_path / "results/embeddings").exists()
    lines = done.stdout.splitlines()
    assert len(lines) <= 15, done.stdout
    assert lines[-6] == "error in split_dataset small:"
    assert [Path(line.strip().split(": ")[0]).name for line in lines[-4:-1]] == broken
    assert lines[-1] == "  log of split_dataset small: results/logs/split_dataset/small.log"


def test_mended_images_are_looked_at_again(tmp_path, broken):
    embeddings = "results/embeddings/small/pixels.npy"
    assert run(tmp_path, "--cores", "1", embeddings).returncode != 0
    for name in broken:
        Image.new("L", (48, 48), 90).save(tmp_path / "data/XR/chest" / name)
    done = run(tmp_path, "--cores", "1", embeddings)
    assert done.returncode == 0, done.stdout
    (log,) = (tmp_path / "results/logs/inspect_images/small").glob("0-*.log")
    assert "of 24 images decoded, the others are known" in log.read_text()


def test_unreadable_images_can_be_left_out_and_are_counted(tmp_path, broken):
    write_experiment(tmp_path, tmp_path / "data", models=["pixels"], index_sizes=["full"], unreadable="drop")
    done = run(tmp_path, "--cores", "1", "results/tables/datasets.csv")
    assert done.returncode == 0, done.stdout
    counts = pd.read_csv(tmp_path / "results/tables/datasets.csv")
    assert counts["left_out_unreadable"].sum() == 3
    assert counts["images"].sum() == 45


def test_an_index_larger_than_the_index_split_is_refused_before_the_embedding(data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"], index_sizes=[5000, "full"])
    done = run(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert "index_sizes: 5000 is more than the index split has; the largest possible is" in done.stdout
    assert not (tmp_path / "results/embeddings").exists()


def test_a_search_deeper_than_the_index_is_refused_before_the_embedding(data, tmp_path):
    write_experiment(tmp_path, data, models=["pixels"], index_sizes=["full"], search={"k": 1000})
    done = run(tmp_path, "--cores", "1")
    assert done.returncode != 0
    assert "search.k: 1000 is more than the" in done.stdout
    assert not (tmp_path / "results/embeddings").exists()


def test_files_that_were_finished_before_an_error_stay(data, tmp_path):
    folder = tmp_path / "data"
    make_dataset(folder, patients=8)
    write_experiment(tmp_path, folder, models=["pixels"], index_sizes=["full"])
    assert run(tmp_path, "--cores", "2", "results/tables/retrieval.csv").returncode == 0
    embedded = tmp_path / "results/embeddings/small/pixels.npy"
    before = embedded.stat().st_mtime_ns
    Image.new("L", (8, 8)).save(folder / "unlisted.png")
    neighbors = next((tmp_path / "results/neighbors").rglob("*.npz"))
    neighbors.write_bytes(neighbors.read_bytes()[:100])
    for path in (tmp_path / "results/scores").rglob("*.parquet"):
        path.unlink()
    done = run(tmp_path, "--cores", "2", "results/tables/retrieval.csv")
    assert done.returncode != 0
    assert f"The file is now {neighbors.name}.damaged; run the same command again" in done.stdout
    assert run(tmp_path, "--cores", "2", "results/tables/retrieval.csv").returncode == 0
    assert embedded.stat().st_mtime_ns == before
