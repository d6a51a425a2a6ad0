"""Which datasets and models of an experiment have published figures."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from cbir.experiment.catalogue import load_catalogue
from cbir.experiment.plan import read_experiment

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "workflow/published"
STUDIES = yaml.safe_load((PUBLISHED / "studies.yaml").read_text())
DENNER = ["radimagenet", "nih14", "mimic-cxr", "chexpert"]


def pairs(datasets, *models):
    config = {"datasets": datasets, "models": list(models), "scores": {"at": [1]}, "search": {"k": 1}}
    experiment = read_experiment(config, ROOT)
    assert ("tables/published.csv" in experiment.table_files) == bool(experiment.published)
    names = ("dataset", "model", "study", "published_dataset", "size", "published_model")
    return [tuple(pair[name] for name in names) for pair in experiment.published]


def medmnist(name, **options):
    return {"source": "medmnist", "root": "/data", "set": name, **options}


def test_sets_of_medmnist_are_those_of_mahbod_whatever_their_names_and_models_are_theirs():
    datasets = {"a": medmnist("breastmnist"), "b": medmnist("pathmnist", size=128), "c": medmnist("chestmnist")}
    assert pairs(datasets, "resnet50", "resnet50-v1", "openclip-vitg14") == [
        ("a", "resnet50-v1", "mahbod2025", "BreastMNIST", 28, "ResNet50"),
        ("a", "openclip-vitg14", "mahbod2025", "BreastMNIST", 28, "OpenCLIP"),
        ("b", "resnet50-v1", "mahbod2025", "PathMNIST", 128, "ResNet50"),
        ("b", "openclip-vitg14", "mahbod2025", "PathMNIST", 128, "OpenCLIP"),
    ]


def test_a_dataset_with_the_name_of_a_set_and_other_images_has_no_published_figures():
    assert pairs({"breastmnist": {"source": "table", "root": "/data", "table": "a.csv"}}, "vgg19") == []
    assert pairs({"a": medmnist("breastmnist")}, "pixels") == []


def test_the_four_datasets_of_denner_are_theirs_together_and_no_part_of_them_is():
    members = {source: {"source": source, "root": "/data"} for source in DENNER}
    datasets = members | {"all": {"source": "union", "members": DENNER}}
    datasets |= {"three": {"source": "union", "members": DENNER[:3]}}
    assert pairs(datasets, "biomedclip", "resnet50") == [
        ("all", "biomedclip", "denner2025", "four datasets", None, "BiomedCLIP")
    ]


@pytest.mark.parametrize(("tables", "found"), [(["CheXpert", "mimic", "radimagenet", "nih14"], 1), (["nih14"], 0)])
def test_the_released_tables_of_denner_are_theirs_if_all_of_them_are_given(tmp_path, tables, found):
    (tmp_path / "BiomedCLIP").mkdir()
    paths = [f"/data/{name}.csv" for name in tables]
    released = {"source": "released", "tables": paths, "embeddings": str(tmp_path)}
    assert len(pairs({"study": released}, "BiomedCLIP")) == found


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_figures_of_its_datasets_and_models_as_shares(name):
    figures = pd.read_csv(PUBLISHED / f"{name}.csv")
    assert list(figures) == ["dataset", "size", "model", "average", "metric", "k", "value"]
    assert not figures.duplicated(["dataset", "size", "model", "average", "metric", "k"]).any()
    assert figures["value"].between(0, 1).all()
    assert set(STUDIES[name]["datasets"]) <= set(figures["dataset"])
    assert set(STUDIES[name]["models"]) <= set(figures["model"])
    ours = {model for models in STUDIES[name]["models"].values() for model in models} - {"BiomedCLIP"}
    assert ours <= set(load_catalogue(ROOT / "workflow/models.yaml"))


def test_the_experiment_on_medmnist_ends_with_every_figure_of_the_2d_sets_that_an_encoder_here_can_have():
    experiment = read_experiment(yaml.safe_load((ROOT / "config/medmnist.yaml").read_text()), ROOT)
    found = {(pair["published_dataset"], pair["size"], pair["published_model"]) for pair in experiment.published}
    figures = pd.read_csv(PUBLISHED / "mahbod2025.csv")
    shipped = figures[~figures["dataset"].str.endswith("3D") & ~figures["model"].isin(["CONCH", "UNI"])]
    there = set(shipped[["dataset", "size", "model"]].itertuples(index=False, name=None))
    assert found >= there
    assert found - there == {("BreastMNIST", 64, "MedCLIP")}  # not among the published figures
    assert len(there) == 6 * 4 * 7 - 1
