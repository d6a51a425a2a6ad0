import sys
from math import ceil

import yaml

sys.path.insert(0, f"{workflow.basedir}/workflow/scripts")

from cbir.experiment.config import EXACT, complete_config
from cbir.errors import InputError
from cbir.runs.lock import lock_results
from cbir.experiment.catalogue import check_catalogue, list_files, load_catalogue
from cbir.runs.record import list_changes, record_end, record_start
from cbir.runs.running import check_run
from cbir.runs.written import set_damaged_aside
from snakemake.exceptions import WorkflowError
from snakemake.jobs import GroupJob, GroupJobFactory
from snakemake.logging import logger

# Snakemake hands out groups of an earlier plan, which a checkpoint has changed since: snakemake/snakemake#4202
GroupJobFactory.new = lambda self, id, jobs, resources: GroupJob(id, frozenset(jobs), resources)

# To keep to its limit of 100 jobs a second, Snakemake begins a chain of wake-ups at the end of each job, none of which ever
# stops: a seventh of the default experiment's processor time, more where there are more jobs. A limit of the user's stands.
limit = workflow.scheduling_settings and workflow.scheduling_settings.max_jobs_per_timespan
if limit and (limit.max_jobs, limit.timespan) == (100, 1):
    workflow.scheduling_settings.max_jobs_per_timespan = None


def read_yaml(path):
    with open(path) as file:
        return yaml.safe_load(file)


try:
    CATALOGUE = load_catalogue(f"{workflow.basedir}/workflow/models.yaml", config.get("model_catalog"))
    check_catalogue(CATALOGUE, read_yaml(f"{workflow.basedir}/workflow/schemas/models.schema.yaml"))
    config = complete_config(
        config, read_yaml(f"{workflow.basedir}/workflow/schemas/config.schema.yaml"), list(CATALOGUE)
    )
    if not workflow.is_main_process:
        check_run(Path(config["results"]))
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = Path(config["results"])
if workflow.is_main_process and (changes := list_changes(RESULTS, Path(workflow.basedir))):
    logger.warning(
        f"{RESULTS} was last written with another state of {', '.join(changes)}. Snakemake doesn't look at these: what is "
        "finished stays; --forceall makes it anew, --forcerun RULE from one rule on."
    )
WEIGHTS = Path(config["weights"])
PUBLISHED = {  # of the experiment's models, each file under WEIGHTS and where it is published
    f"{model}/{name}": source
    for model in config["models"]
    for name, source in (list_files(CATALOGUE[model]) if model in CATALOGUE else {}).items()
}
DATASETS = config["datasets"]
RELEASED = [name for name, options in DATASETS.items() if options["source"] == "released"]
UNITED = {name: options["members"] for name, options in DATASETS.items() if options["source"] == "union"}
READ = [name for name in DATASETS if name not in UNITED]  # from their own source
EMBEDDED = [name for name in READ if name not in RELEASED]  # by an encoder
PICTURED = [name for name in DATASETS if not set(UNITED.get(name, [name])) & set(RELEASED)]


LONG = 1  # priority of the long steps: they begin first, and short ones fill the cores that they leave


def one_of(names):
    """The regular expression of any of these names; of nothing where there is none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(DATASETS),
    model=one_of(config["models"]),
    index=one_of(config["indexes"]),
    size=r"\d+|[\d.]+pct|\d+-per-label|full",
    draw=r"\d+",
    shard=r"\d+",
    part=r"\d+",


onstart:
    try:
        workflow.results_lock = lock_results(RESULTS)
        set_damaged_aside(RESULTS)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    record_start(RESULTS, config, Path(workflow.basedir))


onsuccess:
    record_end(RESULTS, "success")


onerror:
    record_end(RESULTS, "failure")


def index_sizes(dataset):
    """The index sizes of a dataset, as they are written in file names."""
    return [str(size) for size in DATASETS[dataset].get("index_sizes", config["index_sizes"])]


def draws(size):
    """How often rows of this size are drawn: the full index split is there once."""
    return 1 if size == "full" else config["index_draws"]


def neighbors_wanted(dataset):
    """How many neighbors are found for a query of the dataset."""
    return DATASETS[dataset].get("k", config["search"]["k"])


def combinations(pattern, dataset):
    """`pattern` for every model, index, size and draw of a dataset."""
    return [
        path
        for size in index_sizes(dataset)
        for path in expand(
            RESULTS / pattern,
            dataset=dataset,
            model=config["models"],
            index=config["indexes"],
            size=size,
            draw=range(draws(size)),
        )
    ]


def exact_index():
    """The name of the exact index, which the others are held against and which is analysed beyond its scores."""
    return next(name for name, entry in config["indexes"].items() if entry["factory"] == EXACT)


def search_parameters(index):
    """What an index is searched with, by faiss's names."""
    return {name: value for name, value in config["indexes"][index].items() if name != "factory"}


def environment(name):
    """The conda environment of a kind of step."""
    return f"{workflow.basedir}/envs/{name}.yaml"


def shards(images):
    """The numbers of the shards that a manifest's rows fall into. images: the file that counts them."""
    return range(ceil(int(Path(images).read_text()) / config["embedding"]["shard_size"]))


def from_shards(pattern):
    """An input function: the files of all shards that a dataset's manifest falls into."""
    return lambda wildcards: expand(
        pattern,
        dataset=wildcards.dataset,
        model=wildcards.model,
        shard=shards(checkpoints.split_dataset.get(dataset=wildcards.dataset).output.images),
    )


def listed(wildcards):
    """What the manifest of a dataset is made from, where the workflow can tell: its tables or its phantoms."""
    options = DATASETS[wildcards.dataset]
    if options["source"] == "phantoms":
        return RESULTS / "phantoms" / wildcards.dataset
    if options["source"] in ("table", "nifti"):
        table = Path(options["root"], options["table"])
        return table if table.exists() else []
    if options["source"] == "released":
        return [table for table in options["tables"] if Path(table).exists()]
    return []


def inspection(wildcards):
    """The inspection of a dataset's images, where it has any."""
    return [] if wildcards.dataset in RELEASED else RESULTS / f"inspections/{wildcards.dataset}.parquet"


def of_members(pattern):
    """An input function: the files of a union's members, in their order."""
    return lambda wildcards: expand(pattern, dataset=UNITED[wildcards.dataset], allow_missing=True)


def released(wildcards):
    """The released files of a model's embeddings."""
    folder = Path(DATASETS[wildcards.dataset]["embeddings"], wildcards.model).expanduser()
    return sorted(folder.glob("*.h5"))


def weights(wildcards):
    """The weights file of a model, where it is one that is fetched."""
    source = CATALOGUE[wildcards.model]["weights"] if wildcards.model in CATALOGUE else {}
    return WEIGHTS / wildcards.model / source["file"] if source.keys() & {"repository", "url"} else []


def curves(dataset):
    """The figures of a dataset's tables, but for those that want several of what it has one of, or what it lacks."""
    wanted = {
        "index_size": len(index_sizes(dataset)) > 1,
        "comparisons": len(config["models"]) > 1,
        "embedding_quality": bool(PROBES),
        "recall_speed": len(config["indexes"]) > 1,
        "cost": dataset in EMBEDDED,
    }
    return [name for name in CURVES if wanted.get(name, True)]


def figures_of_models(dataset):
    """The figures of a dataset that there is one a model of; a released one has no image for a gallery."""
    names = ["confusion", "map", *(["gallery"] if dataset in PICTURED else [])]
    return [f"{name}/{model}" for name in names for model in config["models"]]


def largest_index(dataset):
    """The last of the dataset's index sizes that holds the most: full where it is one of them."""
    sizes = index_sizes(dataset)
    return "full" if "full" in sizes else sizes[-1]


def from_largest_index(pattern):
    """An input function: the file of a dataset and model that belongs to the exact index at its largest size."""
    return lambda wildcards: expand(
        pattern,
        dataset=wildcards.dataset,
        model=wildcards.model,
        index=exact_index(),
        size=largest_index(wildcards.dataset),
        draw=0,
    )
