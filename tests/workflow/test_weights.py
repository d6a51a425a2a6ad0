"""Weights that are downloaded, placed by hand, or missing. A server on this machine takes the publisher's place."""

import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import timm
import torch
import yaml

from workflow_runs import ROOT, run, write_experiment

ENTRY = {
    "description": "timm's smallest ViT",
    "family": "control",
    "loader": "timm",
    "architecture": "test_vit",
    "input": {"size": 160, "resize": "squash", "interpolation": "bilinear", "mean": [0.5] * 3, "std": [0.5] * 3},
    "pooling": "class-token",
    "dimensions": 64,
    "licence": "none",
    "source": "the test",
}


@pytest.fixture
def published(tmp_path):
    """The folder of a server, the address of a weight file on it, and the list of the paths that were requested."""
    folder = tmp_path / "published"
    folder.mkdir()
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, form, *arguments):
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/tiny.pth", asked
        server.shutdown()


def save_weights(path):
    torch.manual_seed(0)
    torch.save(timm.create_model("test_vit").state_dict(), path)


def write(folder, data, url, **changes):
    entry = ENTRY | {"weights": {"url": url, "file": "tiny.pth"}} | changes
    (folder / "mine.yaml").write_text(yaml.safe_dump({"tiny": entry}))
    write_experiment(
        folder, data, models=["pixels", "tiny"], model_catalog=str(folder / "mine.yaml"), embedding={"threads": 1}
    )


def test_weights_are_downloaded_once_and_a_changed_entry_embeds_only_its_own_model_again(tmp_path, data, published):
    folder, url, asked = published
    save_weights(folder / "tiny.pth")
    write(tmp_path, data, url)
    done = run(tmp_path, "--cores", "2", "results/embeddings/small/tiny.npy", "results/embeddings/small/pixels.npy")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "resources/weights/tiny/tiny.pth").read_bytes() == (folder / "tiny.pth").read_bytes()
    assert asked == ["/tiny.pth"]
    os.utime(tmp_path / "resources/weights/tiny/tiny.pth", (0, 0))  # older than the rule's script
    planned = run(tmp_path, "-n", "results/embeddings/small/tiny.npy", "results/embeddings/small/pixels.npy")
    assert "Nothing to be done" in planned.stdout
    write(tmp_path, data, url, input=ENTRY["input"] | {"mean": [0.4] * 3})
    planned = run(tmp_path, "-n", "results/embeddings/small/tiny.npy", "results/embeddings/small/pixels.npy").stdout
    assert "model=tiny" in planned
    assert "model=pixels" not in planned
    assert "fetch_weights" not in planned
    assert asked == ["/tiny.pth"]


def test_a_file_placed_by_hand_is_used_without_a_network(tmp_path, data):
    write(tmp_path, data, "http://127.0.0.1:1/tiny.pth")
    by_hand = tmp_path / "resources/weights/tiny/tiny.pth"
    by_hand.parent.mkdir(parents=True)
    save_weights(by_hand)
    os.utime(by_hand, (0, 0))
    planned = run(tmp_path, "-n", "results/embeddings/small/tiny.npy", "weights").stdout
    assert "embed_images" in planned
    assert "fetch_weights" not in planned


def test_the_message_about_missing_weights_names_the_file_its_place_and_its_source(tmp_path, data, published):
    url = published[1]
    write(tmp_path, data, url)
    done = run(tmp_path, "--cores", "1", "weights")
    assert done.returncode != 0
    assert (
        f"resources/weights/tiny/tiny.pth: can't be fetched from {url} (HTTP Error 404: File not found)"
        "; put the file there by hand" in done.stdout
    )
    assert "Traceback" not in done.stdout


def test_the_plan_of_medmnist_has_every_encoder(tmp_path):
    shutil.copy(ROOT / "config/medmnist.yaml", tmp_path / "experiment.yaml")
    experiment = yaml.safe_load((ROOT / "config/medmnist.yaml").read_text())
    catalogue = yaml.safe_load((ROOT / "workflow/models.yaml").read_text())
    assert set(experiment["models"]) == set(catalogue)
    targets = [f"{experiment['results']}/embeddings/breast-28/{model}.npy" for model in catalogue]
    planned = run(tmp_path, "-n", "weights", *targets).stdout
    for model, entry in catalogue.items():
        if entry["weights"].keys() & {"repository", "url"}:
            assert f"resources/weights/{model}/{entry['weights']['file']}" in planned
    assert all(f"output: {target}" in planned for target in targets)
