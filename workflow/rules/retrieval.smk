# Indexes and what is found in them: index_rows/, indexes/, neighbors/ and measures/ in the results. A cell is one
# model, index, size and draw of a dataset. An index that outgrows one machine is built and searched in parts.
#
# PARTS: into how many parts an index is cut; with more than one, the files of a part carry its number.
# CELL, PART: the files of a cell and of a part, without folder and suffix.
# MANIFEST, EMBEDDINGS: of any dataset; which rule makes them follows from its source.
# NORMS: of the raw features of any dataset, for an index by Euclidean distance; no file for one by cosine similarity.
# FULL_ROWS, FULL_NEIGHBORS: of the whole index split, which the analyses are of.
PARTS = config["search"]["index_shards"]
CELL = "{dataset}/{model}/{index}/{size}.{draw}"
PART = CELL if PARTS == 1 else f"{CELL}.{{part}}-of-{PARTS}"
MANIFEST = rules.split_dataset.output.manifest
EMBEDDINGS = rules.join_embeddings.output.embeddings
NORMS = branch(
    lambda wildcards: EXPERIMENT.is_euclidean(wildcards.index),
    then=rules.join_embeddings.output.norms,
)
NEIGHBORS = f"<results>/neighbors/{CELL}.npz"
FULL_ROWS = "<results>/index_rows/{dataset}/full.0.npy"
FULL_NEIGHBORS = f"<results>/neighbors/{{dataset}}/{{model}}/{EXPERIMENT.exact_index}/full.0.npz"


rule sample_index_rows:
    """Draw the images that an index of a given size holds.

    They are the same for every model, and smaller draws are subsets of larger ones.
    """
    input:
        manifest=MANIFEST,
    output:
        rows="<results>/index_rows/{dataset}/{size}.{draw}.npy",
    log:
        "<logs>/sample_index_rows/{dataset}/{size}.{draw}.log",
    conda:
        f"{ENVS}/data.yaml"
    params:
        seed=config["seed"],
        stratify=config["stratify"],
    script:
        "../scripts/sample_index_rows.py"


rule build_index:
    """Build an index of the drawn images, or one part of it.

    Writes a faiss index whose ids are manifest rows, and the seconds and bytes that it took. It is by inner product of
    the embeddings, or by Euclidean distance of the raw features.
    """
    input:
        embeddings=EMBEDDINGS,
        norms=NORMS,
        rows=rules.sample_index_rows.output.rows,
    output:
        index=f"<results>/indexes/{PART}.faiss",
        build=f"<results>/indexes/{PART}.parquet",
    log:
        f"<logs>/build_index/{PART}.log",
    conda:
        f"{ENVS}/search.yaml"
    threads: lambda wildcards: EXPERIMENT.build_threads(wildcards.index)
    params:
        factory=lambda wildcards: config["indexes"][wildcards.index]["factory"],
        part=lambda wildcards: int(wildcards.get("part", 0)),
        parts=PARTS,
        seed=config["seed"],
    script:
        "../scripts/build_index.py"


rule search_index:
    """Find each query's nearest images in an index, or in one part of it.

    Writes queries, neighbors and similarities. An exact index gives the same bytes for any number of threads.
    """
    input:
        index=rules.build_index.output.index,
        embeddings=EMBEDDINGS,
        norms=NORMS,
        manifest=MANIFEST,
    output:
        neighbors=NEIGHBORS if PARTS == 1 else temp(f"<results>/neighbors/parts/{PART}.npz"),
    log:
        f"<logs>/search_index/{PART}.log",
    conda:
        f"{ENVS}/search.yaml"
    threads: config["search"]["threads"]
    resources:
        gpu=lambda wildcards: int(config["search"]["device"] == "cuda" and not EXPERIMENT.is_euclidean(wildcards.index)),
    params:
        k=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].k,
        parts=PARTS,
        parameters=lambda wildcards: EXPERIMENT.search_parameters(wildcards.index),
        engine=config["search"]["engine"],
        device=config["search"]["device"],
    script:
        "../scripts/search_index.py"


if PARTS > 1:

    rule merge_neighbors:
        """Merge the neighbors that the parts of an index gave.

        The nearest of an exact index are the same as if it had not been cut.
        """
        input:
            neighbors=expand(rules.search_index.output.neighbors, part=range(PARTS), allow_missing=True),
        output:
            neighbors=NEIGHBORS,
        log:
            f"<logs>/merge_neighbors/{CELL}.log",
        conda:
            f"{ENVS}/search.yaml"
        params:
            k=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].k,
        script:
            "../scripts/merge_neighbors.py"


rule measure_index:
    """Measure an index at the depths of the tables.

    Recall against the exact neighbors by the same similarity, precision beside it, queries per second, build time and
    size. Runs last, so that other jobs disturb the timing less.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
        norms=NORMS,
        index=expand(rules.build_index.output.index, part=range(PARTS), allow_missing=True),
        build=expand(rules.build_index.output.build, part=range(PARTS), allow_missing=True),
        neighbors=NEIGHBORS,
        exact=lambda wildcards: NEIGHBORS.replace("{index}", EXPERIMENT.reference_index(wildcards.index)),
        scores=f"<results>/scores/{CELL}.parquet",
    output:
        measures=f"<results>/measures/{CELL}.parquet",
    log:
        f"<logs>/measure_index/{CELL}.log",
    priority: -1
    conda:
        f"{ENVS}/search.yaml"
    threads: config["search"]["threads"]
    params:
        factory=lambda wildcards: config["indexes"][wildcards.index]["factory"],
        parameters=lambda wildcards: EXPERIMENT.search_parameters(wildcards.index),
        engine=config["search"]["engine"],
        device=config["search"]["device"],
        k=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].k,
        at=lambda wildcards: EXPERIMENT.measured_depths(wildcards.dataset),
    script:
        "../scripts/measure_index.py"
