PARTS = config["search"]["index_shards"]
COMBINATION = "{dataset}/{model}/{index}/{size}.{draw}"
PART = COMBINATION if PARTS == 1 else f"{COMBINATION}.{{part}}-of-{PARTS}"
NEIGHBORS = RESULTS / f"neighbors/{COMBINATION}.npz"


rule sample_index_rows:
    input:
        manifest=rules.split_dataset.output.manifest,
    output:
        rows=RESULTS / "index_rows/{dataset}/{size}.{draw}.npy",
    log:
        RESULTS / "logs/sample_index_rows/{dataset}/{size}.{draw}.log",
    benchmark:
        RESULTS / "benchmarks/sample_index_rows/{dataset}/{size}.{draw}.tsv"
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=10,
    params:
        seed=config["seed"],
        stratify=config["stratify"],
    script:
        "../scripts/sample_index_rows.py"


rule build_index:
    input:
        embeddings=rules.embed_images.output.embeddings,
        rows=rules.sample_index_rows.output.rows,
    output:
        index=RESULTS / f"indexes/{PART}.faiss",
        build=RESULTS / f"indexes/{PART}.csv",
    log:
        RESULTS / f"logs/build_index/{PART}.log",
    benchmark:
        RESULTS / f"benchmarks/build_index/{PART}.tsv"
    conda:
        environment("search")
    threads: lambda wildcards: 1 if config["indexes"][wildcards.index]["factory"] == EXACT else config["search"]["threads"]
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1000 + 1.3 * input.size_mb / PARTS),
        runtime=60,
    params:
        factory=lambda wildcards: config["indexes"][wildcards.index]["factory"],
        part=lambda wildcards: int(wildcards.get("part", 0)),
        parts=PARTS,
        seed=config["seed"],
    script:
        "../scripts/build_index.py"


rule search_index:
    input:
        index=rules.build_index.output.index,
        embeddings=rules.embed_images.output.embeddings,
        manifest=rules.split_dataset.output.manifest,
    output:
        neighbors=NEIGHBORS if PARTS == 1 else temp(RESULTS / f"neighbors/parts/{PART}.npz"),
    log:
        RESULTS / f"logs/search_index/{PART}.log",
    benchmark:
        RESULTS / f"benchmarks/search_index/{PART}.tsv"
    conda:
        environment("search")
    threads: config["search"]["threads"]
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1500 + 1.3 * input.size_files_mb[0]),
        runtime=240,
    params:
        k=lambda wildcards: neighbors_wanted(wildcards.dataset),
        parts=PARTS,
        parameters=lambda wildcards: search_parameters(wildcards.index),
        engine=config["search"]["engine"],
    script:
        "../scripts/search_index.py"


if PARTS > 1:

    rule merge_neighbors:
        input:
            neighbors=expand(rules.search_index.output.neighbors, part=range(PARTS), allow_missing=True),
        output:
            neighbors=NEIGHBORS,
        log:
            RESULTS / f"logs/merge_neighbors/{COMBINATION}.log",
        benchmark:
            RESULTS / f"benchmarks/merge_neighbors/{COMBINATION}.tsv"
        conda:
            environment("search")
        threads: 1
        resources:
            mem_mb=lambda wildcards, input, attempt: attempt * int(1000 + 4 * input.size_mb),
            runtime=30,
        params:
            k=lambda wildcards: neighbors_wanted(wildcards.dataset),
        script:
            "../scripts/merge_neighbors.py"
