"""A set of MedMNIST as released, embedded with random weights, beside the published figures."""

import numpy as np
import pandas as pd
import pytest

from small_encoders import CATALOGUE, make_torchvision, save_as_torchvision_did
from workflow_runs import run, write_experiment


@pytest.mark.slow
def test_the_table_of_published_figures_has_ours_theirs_and_the_difference(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for split, images in (("train", 24), ("val", 2), ("test", 8)):
        labels = np.arange(images, dtype=np.uint8)[:, None] % 2
        arrays[f"{split}_labels"] = labels
        arrays[f"{split}_images"] = rng.integers(0, 100, (images, 28, 28), dtype=np.uint8) + 100 * labels[:, :, None]
    np.savez_compressed(tmp_path / "breastmnist.npz", **arrays)
    weights = tmp_path / "resources/weights/densenet121" / CATALOGUE["densenet121"]["weights"]["file"]
    weights.parent.mkdir(parents=True)
    save_as_torchvision_did(make_torchvision("densenet121")[0], weights)
    write_experiment(
        tmp_path,
        tmp_path,
        datasets={"mine": {"source": "medmnist", "root": str(tmp_path), "set": "breastmnist"}},
        models=["densenet121", "pixels"],
        index_sizes=["full"],
        indexes={"exact": "Flat", "euclidean": {"factory": "Flat", "similarity": "euclidean"}},
        scores={"at": [1, 3, 5]},
    )
    done = run(tmp_path, "--cores", "1", "results/tables/published.csv")
    assert done.returncode == 0, done.stdout
    table = pd.read_csv(tmp_path / "results/tables/published.csv").set_index(["metric", "k"])
    assert table["index"].value_counts().to_dict() == {"exact": 5, "euclidean": 5}
    table = table[table["index"] == "euclidean"]
    assert set(table["model"]) == {"densenet121"}
    assert set(table["published_dataset"]) == {"BreastMNIST"}
    assert table["published"].to_dict() == {
        ("map_found", 5): 0.8461,
        ("majority_vote_tied", 5): 0.8141,
        ("hit_rate", 1): 0.8012,
        ("hit_rate", 3): 0.9615,
        ("hit_rate", 5): 0.9871,
    }
    scores = pd.read_csv(tmp_path / "results/tables/retrieval.csv").set_index(["metric", "k"])
    scores = scores[(scores["model"] == "densenet121") & (scores["level"] == "pathology")]
    scores = scores[scores["index"] == "euclidean"]
    ours = scores[scores["average"] == "micro"]["value"].loc[table.index]
    assert table["value"].tolist() == ours.tolist()
    assert table["difference"].tolist() == pytest.approx((table["value"] - table["published"]).tolist())
    assert (scores["queries"] == 8).any()
