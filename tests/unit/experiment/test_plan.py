"""The plan of an experiment: what is to be made, from the configuration alone."""

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from cbir.errors import InputError
from cbir.experiment.plan import Experiment, any_of, read_experiment

ROOT = Path(__file__).parents[3]
CONTENTS = yaml.safe_load((ROOT / "workflow/report/contents.yaml").read_text())
NIH = {"source": "nih14", "root": "/data/nih"}
RELEASED = {"source": "released", "tables": ["/data/nih14.csv"], "embeddings": "/data/embeddings"}


def plan(datasets=None, models=("pixels",), **keys) -> Experiment:
    """An experiment as a user writes it, completed; released folders need not be there."""
    datasets = datasets or {"mine": {"source": "table", "root": "/data", "table": "images.csv"}}
    config = {"datasets": datasets, "models": list(models), **keys}
    config.setdefault("scores", {"at": [1]})
    config.setdefault("search", {"k": 1})
    return read_experiment(config, ROOT)


@pytest.fixture
def with_released(tmp_path):
    (tmp_path / "pixels").mkdir()
    (tmp_path / "pixels/nih14.h5").touch()
    released = RELEASED | {"embeddings": str(tmp_path)}
    return plan({"nih": NIH, "old": released, "both": {"source": "union", "members": ["nih", "old"]}})


def test_kinds_of_datasets_follow_from_their_sources(with_released):
    nih, old, both = with_released.datasets.values()
    assert (nih.is_embedded, nih.is_released, nih.is_union, nih.has_pixels) == (True, False, False, True)
    assert (old.is_embedded, old.is_released, old.is_union, old.has_pixels) == (False, True, False, False)
    assert (both.is_embedded, both.is_released, both.is_union, both.has_pixels) == (False, False, True, False)
    assert with_released.names("has_own_source") == ["nih", "old"]
    assert with_released.pattern("is_union") == "both"


def test_a_union_of_datasets_with_images_has_pixels_and_their_inspections():
    both = {"source": "union", "members": ["a", "b"]}
    experiment = plan({"a": NIH, "b": NIH, "both": both})
    assert experiment.datasets["both"].has_pixels
    assert experiment.expand_inspections("i/{dataset}", "both") == ["i/a", "i/b"]


def test_a_union_with_released_members_has_no_inspections(with_released):
    assert with_released.expand_inspections("i/{dataset}", "both") == []
    assert with_released.expand_members("m/{dataset}/{model}", "both") == ["m/nih/{model}", "m/old/{model}"]


def test_the_cells_are_every_model_index_size_and_draw():
    experiment = plan(
        models=["pixels", "resnet50"],
        index_sizes=[20, "5-per-label", "full"],
        index_draws=3,
        indexes={"exact": "Flat", "graph": "HNSW32"},
    )
    cells = experiment.cells("mine")
    assert len(cells) == 2 * 2 * (3 + 3 + 1)
    assert len({tuple(cell.values()) for cell in cells}) == len(cells)
    assert {cell["draw"] for cell in cells if cell["size"] == "full"} == {0}
    assert {cell["draw"] for cell in cells if cell["size"] == "20"} == {0, 1, 2}


def test_a_datasets_own_sizes_depth_and_shards_replace_those_of_the_experiment():
    datasets = {"a": NIH | {"index_sizes": ["50pct", "full"], "k": 7, "shards": 3}, "b": NIH}
    experiment = plan(datasets, index_sizes=[100, "full"], search={"k": 20}, embedding={"shards": 2})
    a, b = experiment.datasets.values()
    assert (a.index_sizes, a.k, a.shards) == (("50pct", "full"), 7, 3)
    assert (b.index_sizes, b.k, b.shards) == (("100", "full"), 20, 2)
    assert experiment.expand_shards("{dataset}/{part}-of-{parts}", "a") == [f"{{dataset}}/{n}-of-3" for n in range(3)]
    assert experiment.measured_depths("a") == [1, 7]


@pytest.mark.parametrize(
    "option",
    [{"split": {"train": 0.5, "test": 0.5}}, {"min_per_label": 9}, {"index_sizes": ["full"]}, {"k": 3}, {"shards": 4}],
)
def test_options_of_later_steps_do_not_reach_what_a_source_reads(option):
    assert plan({"a": NIH | option}).datasets["a"].source_options == plan({"a": NIH}).datasets["a"].source_options


def test_sources_are_read_again_when_their_own_options_change():
    changed = plan({"a": NIH | {"check_files": False}}).datasets["a"]
    assert changed.source_options != plan({"a": NIH}).datasets["a"].source_options


def test_listing_files_are_those_that_are_there(tmp_path):
    table = {"source": "table", "root": str(tmp_path), "table": "images.csv"}
    assert plan({"a": table}).datasets["a"].listing_files == []
    (tmp_path / "images.csv").touch()
    assert plan({"a": table}).datasets["a"].listing_files == [str(tmp_path / "images.csv")]
    phantoms = plan({"p": {"source": "phantoms"}}, results="out").datasets["p"]
    assert phantoms.listing_files == [phantoms.source_options["root"]] == ["out/phantoms/p"]


def test_the_tables_of_a_publisher_are_those_in_the_root_and_in_its_folders(tmp_path):
    for name in ("Data_Entry_2017.csv", "test_list.txt", "csv/labels.csv.gz", "images/1.png", "a/b/deep.csv", ".x.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listed = plan({"a": {"source": "nih14", "root": str(tmp_path)}}).datasets["a"].listing_files
    assert listed == [str(tmp_path / name) for name in ("Data_Entry_2017.csv", "csv/labels.csv.gz", "test_list.txt")]


def test_a_tree_of_images_is_watched_and_its_table_of_labels_is_an_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").touch()
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/notes.csv").touch()
    dicom = plan({"a": {"source": "dicom", "root": "scans", "labels": "labels.csv"}}).datasets["a"]
    assert (dicom.tree, dicom.listing_files) == ("scans", ["labels.csv"])
    folder = {"source": "folder", "root": "scans", "pattern": "*.png", "labels": {"modality": "US"}}
    assert plan({"a": folder}).datasets["a"].listing_files == []
    assert plan({"a": folder}).datasets["a"].tree == "scans"
    assert plan({"a": NIH}).datasets["a"].tree is None


def test_the_analyses_are_of_the_exact_index_of_the_whole_index_split():
    """The order in which sizes are written once decided which index was analysed."""
    experiment = plan(index_sizes=["full", 60, 20], indexes={"graph": "HNSW32", "exact": "Flat"})
    assert experiment.full_cell("mine", "pixels") == {
        "dataset": "mine",
        "model": "pixels",
        "index": "exact",
        "index_size": "full",
    }
    assert experiment.tables["indexes"].sources == (
        "measures/mine/pixels/graph/full.0.parquet",
        "measures/mine/pixels/exact/full.0.parquet",
    )
    assert experiment.figures["gallery"].sources[1] == "neighbors/{dataset}/{model}/exact/full.0.npz"


def test_an_index_is_compared_with_the_exact_one_by_the_same_similarity_and_the_analyses_are_by_cosine():
    euclidean = {"similarity": "euclidean"}
    indexes = {
        "distance": {"factory": "Flat"} | euclidean,
        "cells": {"factory": "IVF8,Flat", "nprobe": 2} | euclidean,
        "graph": "HNSW32",
        "exact": "Flat",
    }
    experiment = plan(indexes=indexes)
    assert [experiment.reference_index(index) for index in indexes] == ["distance", "distance", "exact", "exact"]
    assert [experiment.is_euclidean(index) for index in indexes] == [True, True, False, False]
    assert experiment.exact_index == "exact"
    assert experiment.search_parameters("cells") == {"nprobe": 2}


def test_sizes_without_the_whole_index_split_are_refused():
    with pytest.raises(InputError, match=r"index_sizes: \[60, 20\]: add full"):
        plan(index_sizes=[60, 20])


def test_a_single_model_index_and_size_leaves_out_what_compares():
    experiment = plan(probes={"methods": []})
    assert {"comparisons", "indexes", "probes", "probes_main", "published"}.isdisjoint(experiment.tables)
    assert {"comparisons", "recall_speed", "index_size", "embedding_quality"}.isdisjoint(experiment.figures)
    assert {"retrieval", "retrieval_main", "cost", "datasets"} <= set(experiment.tables)
    assert {"precision_at_k", "levels", "gallery", "cost"} <= set(experiment.figures)


def test_every_table_and_figure_appears_where_an_experiment_compares_everything():
    experiment = plan(
        {"mine": {"source": "medmnist", "root": "/data", "set": "bloodmnist"}},
        models=["vgg19", "resnet50"],
        index_sizes=[5, "full"],
        indexes={"exact": "Flat", "graph": "HNSW32"},
    )
    assert list(experiment.tables) == list(CONTENTS["tables"])
    assert list(experiment.figures) == list(CONTENTS["figures"])
    assert "tables/retrieval_main.tex" in experiment.table_files
    assert "tables/retrieval.md" not in experiment.table_files
    assert "figures/mine/map/resnet50.png" in experiment.figure_files
    assert "figures/mine/levels.pdf" in experiment.figure_files


def test_each_dataset_has_only_the_figures_that_it_can_have(with_released):
    files = with_released.figure_files
    assert "figures/nih/gallery/pixels.pdf" in files
    assert "figures/old/gallery/pixels.pdf" not in files
    assert "figures/old/cost.pdf" not in files
    assert with_released.tables["cost"].sources == ("embeddings/cost/nih/pixels.parquet",)
    assert with_released.released_files("old", "pixels")[0].endswith("pixels/nih14.h5")


def test_weights_that_are_fetched_are_planned_and_those_of_packages_are_not(tmp_path):
    experiment = plan(models=["pixels", "efficientnet-lite0", "resnet50"])
    (file,) = experiment.published_files
    assert file == experiment.weights_file("resnet50")
    assert experiment.weights_file("pixels") is None
    assert experiment.weights_file("efficientnet-lite0") is None
    assert re.fullmatch(experiment.missing_files_pattern(tmp_path), file)
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).touch()
    assert not re.fullmatch(experiment.missing_files_pattern(tmp_path), file)


def test_splits_of_a_unions_members_stand(with_released):
    assert set(with_released.cleaning_options("both")) == {"min_per_label", "duplicates", "near_duplicates"}
    assert with_released.cleaning_options("nih")["shares"] == {"train": 0.7, "val": 0.1, "test": 0.2}


def test_a_pattern_of_no_names_matches_nothing():
    assert not re.fullmatch(any_of([]), "")
    assert re.fullmatch(any_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(any_of(["a.b", "c"]), "axb")


def test_the_contents_of_the_report_fit_their_schema_and_every_entry_has_its_caption():
    schema = yaml.safe_load((ROOT / "workflow/schemas/contents.schema.yaml").read_text())
    jsonschema.validate(CONTENTS, schema)
    report = ROOT / "workflow/report"
    assert set(CONTENTS["tables"]) == {path.stem for path in (report / "tables").glob("*.rst")}
    assert set(CONTENTS["figures"]) == {path.stem for path in report.glob("*.rst")} - {"workflow"}


def test_the_plan_starts_without_the_libraries_of_other_rooms():
    heavy = {"numpy", "pandas", "torch", "jsonschema"}
    code = f"import sys, cbir.experiment.plan; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "workflow/scripts")
