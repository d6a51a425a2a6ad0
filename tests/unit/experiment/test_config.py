import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cbir.errors import InputError
from cbir.experiment.config import complete_config, read_schema

ROOT = Path(__file__).parents[3]
SCHEMA = read_schema(ROOT / "workflow/schemas", ROOT / "workflow/scripts/cbir/datasets/sources")


def experiment(**changes) -> dict:
    return {"datasets": {"phantoms": {"source": "phantoms"}}, "models": ["pixels"], **changes}


def refusal(config: dict, models: list[str] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        complete_config(config, SCHEMA, models)
    return str(caught.value)


def test_keys_that_a_config_leaves_out_take_the_defaults_of_the_schema():
    config = complete_config(experiment(), SCHEMA)
    assert config["seed"] == 0
    assert config["scores"] == {
        "at": [1, 3, 5, 10],
        "levels": ["modality", "anatomic_region", "pathology", "pathology_in_region"],
    }
    assert config["datasets"]["phantoms"]["patients"] == 240
    assert config["datasets"]["phantoms"]["split"] == {"train": 0.7, "val": 0.1, "test": 0.2}


def test_a_given_value_stays_and_the_other_keys_beside_it_take_defaults():
    config = complete_config(experiment(search={"k": 7}, scores={"at": [1]}), SCHEMA)
    assert config["scores"]["at"] == [1]
    assert config["search"]["k"] == 7
    assert config["search"]["threads"] == 2
    assert len(config["scores"]["levels"]) == 4


def test_defaults_of_two_experiments_are_not_shared():
    first = complete_config(experiment(), SCHEMA)
    first["scores"]["at"].append(99)
    assert complete_config(experiment(), SCHEMA)["scores"]["at"] == [1, 3, 5, 10]


def test_an_unknown_key_is_named_with_the_nearest_known_one():
    message = refusal(experiment(sede=1))
    assert "sede: unknown key (did you mean seed?)" in message
    assert "index_sizes" in message


def test_an_index_size_in_percent_is_answered_with_how_a_share_is_written():
    message = refusal(experiment(index_sizes=["10%", "full"]))
    assert (
        "index_sizes.0: '10%' (did you mean 10pct?); allowed are a number of images (100), a share (10pct)," in message
    )
    message = refusal(experiment(index_sizes=[0.1, "full"]))
    assert "index_sizes.0: 0.1 is not valid" in message
    assert "; a number of images (100), a share (10pct), a number per label (5-per-label), or full" in message


def test_an_unknown_key_of_a_dataset_is_named_with_its_path():
    config = experiment(datasets={"phantoms": {"source": "phantoms", "patiens": 3}})
    assert "datasets.phantoms.patiens: unknown key (did you mean patients?)" in refusal(config)


def test_a_missing_key_of_a_dataset_is_named_with_its_meaning():
    message = refusal(experiment(datasets={"mine": {"source": "table"}}))
    assert "datasets.mine.root: missing; The folder that holds the dataset." in message
    assert "datasets.mine.table: missing; The file (.csv, .csv.gz or .parquet)" in message


@pytest.mark.parametrize(
    ("content", "complaint"), [("a: [", "not YAML"), ("- a", "not a mapping"), ("properties: {}", "no description")]
)
def test_a_source_with_an_unusable_description_is_named(tmp_path, content, complaint):
    (tmp_path / "my_list.yaml").write_text(content)
    with pytest.raises(InputError, match=rf"my_list\.yaml: {complaint}"):
        read_schema(ROOT / "workflow/schemas", tmp_path)


def test_the_number_of_shards_is_1_unless_the_experiment_or_a_dataset_gives_another():
    datasets = {"few": {"source": "phantoms"}, "many": {"source": "phantoms", "shards": 5}}
    assert complete_config(experiment(), SCHEMA)["embedding"]["shards"] == 1
    config = complete_config(experiment(datasets=datasets, embedding={"shards": 2}), SCHEMA)
    assert config["embedding"]["shards"] == 2
    assert [options.get("shards") for options in config["datasets"].values()] == [None, 5]
    message = refusal(experiment(datasets={"few": {"source": "phantoms", "shards": 0}}, embedding={"shard_size": 60}))
    assert "embedding.shard_size: unknown key" in message
    assert "datasets.few.shards: 0 is less than the minimum of 1" in refusal(
        experiment(datasets={"few": {"source": "phantoms", "shards": 0}})
    )


def test_an_exact_search_multiplies_on_the_cpu_unless_another_device_is_given():
    assert complete_config(experiment(), SCHEMA)["search"]["device"] == "cpu"
    assert complete_config(experiment(search={"device": "cuda"}), SCHEMA)["search"]["device"] == "cuda"
    assert "search.device: 'cudo' (did you mean cuda?)" in refusal(experiment(search={"device": "cudo"}))


def test_importing_the_room_loads_no_large_package():
    large = ["jsonschema", "yaml", "numpy", "pandas", "torch", "faiss", "snakemake"]
    code = "import sys, cbir.experiment.config, cbir.experiment.catalogue\n"
    code += f"print([name for name in {large} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT / "workflow/scripts", capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_unknown_source_is_named_with_the_nearest_known_one():
    message = refusal(experiment(datasets={"mine": {"source": "tabel"}}))
    assert "datasets.mine.source: 'tabel' is no source (did you mean table?)" in message


def test_an_unknown_model_is_named_with_the_nearest_in_the_catalogue():
    message = refusal(experiment(models=["efficientnet-lite", "pixels"]), ["efficientnet-lite0", "pixels"])
    assert "models: 'efficientnet-lite' is not in the catalogue (did you mean efficientnet-lite0?)" in message
    assert "'pixels'" not in message


def test_all_problems_come_in_one_message():
    message = refusal(experiment(seed="x", unreadable="ignore", index_draws=0))
    assert [key for key in ("seed:", "unreadable:", "index_draws:") if key in message] == [
        "seed:",
        "unreadable:",
        "index_draws:",
    ]


@pytest.mark.parametrize("size", ["0", 0, "0pct", "101pct", "110pct", "per-label", "0-per-label", "half", "-5", 1.5])
def test_a_malformed_index_size_is_refused(size):
    assert "index_sizes" in refusal(experiment(index_sizes=[size]))


@pytest.mark.parametrize("size", ["100", 100, "10pct", "2.5pct", "100pct", "0.1pct", "5-per-label", "full"])
def test_every_kind_of_index_size_is_accepted(size):
    sizes = [size] if size == "full" else [size, "full"]
    assert complete_config(experiment(index_sizes=sizes), SCHEMA)["index_sizes"] == sizes


def test_index_sizes_without_full_are_refused_for_the_experiment_and_for_a_dataset():
    needed = "add full; the main tables and the analyses use the full index"
    assert f"index_sizes: [600, 200]: {needed}" in refusal(experiment(index_sizes=[600, 200]))
    config = experiment(datasets={"few": {"source": "phantoms", "index_sizes": ["10pct"]}})
    assert f"datasets.few.index_sizes: [10pct]: {needed}" in refusal(config)


def test_levels_without_pathology_are_refused():
    message = refusal(experiment(scores={"levels": ["modality"]}))
    assert "scores.levels: [modality]: add pathology; the main tables and the analyses use this level" in message


def test_scores_at_more_neighbors_than_are_searched_are_refused():
    assert "search.k: 5 is less than the deepest of scores.at (10)" in refusal(experiment(search={"k": 5}))


def test_an_index_smaller_than_the_search_is_refused():
    assert "index_sizes: 50 is smaller than search.k (100)" in refusal(experiment(index_sizes=[50, 200, "full"]))


def test_fewer_neighbors_can_be_searched_for_one_dataset():
    config = experiment(datasets={"few": {"source": "phantoms", "k": 10, "index_sizes": [20, "full"]}})
    assert complete_config(config, SCHEMA)["datasets"]["few"]["k"] == 10


def test_shares_with_a_sum_above_1_are_refused():
    config = experiment(datasets={"p": {"source": "phantoms", "split": {"train": 0.8, "test": 0.4}}})
    assert "datasets.p.split: the shares add up to 1.2" in refusal(config)


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))], ids=lambda p: p.name
)
def test_every_experiment_in_the_repository_is_valid(path):
    complete_config(yaml.safe_load(path.read_text()), SCHEMA)


def released(folder, *models, **datasets) -> dict:
    study = {"source": "released", "tables": ["a.csv"], "embeddings": str(folder)}
    return {"datasets": {"study": study, **datasets}, "models": list(models)}


def test_models_of_released_datasets_are_folders_without_a_catalogue_entry(tmp_path):
    (tmp_path / "ModelA").mkdir()
    complete_config(released(tmp_path, "ModelA"), SCHEMA, ["pixels"])
    message = refusal(released(tmp_path, "ModleA"), ["pixels"])
    assert f"models: 'ModleA' has no folder in {tmp_path} (did you mean ModelA?); it has ModelA" in message
    assert "catalogue" not in message
    message = refusal(released(tmp_path, "ModelA", phantoms={"source": "phantoms"}), ["pixels"])
    assert "models: 'ModelA' is not in the catalogue" in message
    assert f"datasets.study.embeddings: no folder {tmp_path}/absent" in refusal(released(tmp_path / "absent", "A"), [])


def test_an_index_is_a_factory_or_a_mapping_with_search_parameters():
    indexes = {"exact": "Flat", "ivf": {"factory": "IVF16,Flat", "nprobe": 4}, "hnsw": {"factory": "HNSW32"}}
    config = complete_config(experiment(indexes=indexes), SCHEMA)
    assert config["indexes"] == {
        "exact": {"factory": "Flat", "similarity": "cosine"},
        "ivf": {"factory": "IVF16,Flat", "nprobe": 4, "similarity": "cosine"},
        "hnsw": {"factory": "HNSW32", "similarity": "cosine"},
    }
    assert complete_config(experiment(), SCHEMA)["indexes"] == {"exact": {"factory": "Flat", "similarity": "cosine"}}


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("", "indexes.other: ''"),
        (3, "indexes.other: 3 is not of type 'object'"),
        ({"nprobe": 3}, "indexes.other.factory: missing; A faiss index_factory string"),
        ({"factory": "IVF8,Flat", "nprob": 3}, "indexes.other.nprob: unknown key (did you mean nprobe?)"),
        ({"factory": "Flat", "similarity": "euclid"}, "indexes.other.similarity: 'euclid' (did you mean euclidean?)"),
        ({"factory": "IVF8,Flat", "nprobe": 0}, "indexes.other.nprobe: 0"),
        ({"factory": "IVF8,Flat", "nprobe": 9}, "indexes.other.nprobe: 9 is more than the 8 cells of IVF8,Flat"),
        ({"factory": "HNSW32", "nprobe": 9}, "indexes.other.nprobe: HNSW32 has no such search parameter, IVF has"),
        ({"factory": "Flat", "efSearch": 9}, "indexes.other.efSearch: Flat has no such search parameter, HNSW has"),
    ],
)
def test_an_impossible_index_is_refused(entry, complaint):
    assert complaint in refusal(experiment(indexes={"exact": "Flat", "other": entry}))


def test_approximate_indexes_without_an_exact_one_are_refused():
    message = refusal(experiment(indexes={"hnsw": "HNSW32", "half": "SQfp16"}))
    assert "indexes: hnsw, half: approximate" in message
    assert "add an exact index, such as exact: Flat" in message


def test_an_approximate_index_needs_an_exact_one_by_the_same_similarity():
    graph = {"factory": "HNSW32", "similarity": "euclidean"}
    message = refusal(experiment(indexes={"exact": "Flat", "graph": graph}))
    assert "indexes: graph: approximate" in message
    assert "add an exact index, such as euclidean: {factory: Flat, similarity: euclidean}" in message
    flat = {"factory": "Flat", "similarity": "euclidean"}
    complete_config(experiment(indexes={"exact": "Flat", "euclidean": flat, "graph": graph}), SCHEMA)
    complete_config(experiment(indexes={"exact": "Flat", "euclidean": flat}), SCHEMA)


def test_the_analyses_need_an_exact_index_by_cosine_similarity():
    flat = {"factory": "Flat", "similarity": "euclidean"}
    message = refusal(experiment(indexes={"euclidean": flat}))
    assert "indexes: none has similarity cosine, which the analyses use; add an exact index, such as exact:" in message
    assert "indexes: graph: approximate" in refusal(experiment(indexes={"euclidean": flat, "graph": "HNSW32"}))


def test_an_index_with_more_cells_than_images_in_the_smallest_size_is_refused():
    config = experiment(indexes={"exact": "Flat", "ivf": "OPQ8,IVF256,PQ8"}, index_sizes=["200", 1000, "full"])
    assert "indexes.ivf: OPQ8,IVF256,PQ8 needs 256 images to train on, but index_sizes has 200" in refusal(config)
    complete_config(config | {"index_sizes": [1000, "full"]}, SCHEMA)
