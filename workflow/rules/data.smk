rule make_phantoms:
    output:
        folder=directory(RESULTS / "phantoms/{dataset}"),
    log:
        RESULTS / "logs/make_phantoms/{dataset}.log",
    benchmark:
        RESULTS / "benchmarks/make_phantoms/{dataset}.tsv"
    priority: LONG
    conda:
        environment("data")
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=30,
    params:
        patients=lambda wildcards: DATASETS[wildcards.dataset]["patients"],
        seed=config["seed"],
    script:
        "../scripts/make_phantoms.py"


checkpoint make_manifest:
    input:
        listed,
    output:
        manifest=RESULTS / "manifests/unsplit/{dataset}.parquet",
        images=RESULTS / "manifests/unsplit/{dataset}.images.txt",
        left_out=RESULTS / "manifests/unsplit/{dataset}.left_out.csv",
    log:
        RESULTS / "logs/make_manifest/{dataset}.log",
    benchmark:
        RESULTS / "benchmarks/make_manifest/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(READ),
    conda:
        environment("data")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=60,
    params:
        options=lambda wildcards: DATASETS[wildcards.dataset],
    script:
        "../scripts/make_manifest.py"


rule inspect_shard:
    input:
        manifest=RESULTS / "manifests/unsplit/{dataset}.parquet",
    output:
        inspection=temp(RESULTS / "inspections/shards/{dataset}/{shard}.parquet"),
    log:
        RESULTS / "logs/inspect_shard/{dataset}/{shard}.log",
    benchmark:
        RESULTS / "benchmarks/inspect_shard/{dataset}/{shard}.tsv"
    priority: LONG
    conda:
        environment("data")
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=120,
    params:
        shard_size=config["embedding"]["shard_size"],
    script:
        "../scripts/inspect_shard.py"


rule inspect_images:
    input:
        lambda wildcards: expand(
            rules.inspect_shard.output.inspection,
            dataset=wildcards.dataset,
            shard=shards(checkpoints.make_manifest.get(dataset=wildcards.dataset).output.images),
        ),
    output:
        inspection=RESULTS / "inspections/{dataset}.parquet",
    log:
        RESULTS / "logs/inspect_images/{dataset}.log",
    benchmark:
        RESULTS / "benchmarks/inspect_images/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(EMBEDDED),
    conda:
        environment("data")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=10,
    script:
        "../scripts/inspect_images.py"


rule unite_datasets:
    input:
        manifests=of_members(RESULTS / "manifests/{dataset}.parquet"),
        inspections=lambda wildcards: [
            RESULTS / f"inspections/{member}.parquet"
            for member in UNITED[wildcards.dataset]
            if wildcards.dataset in PICTURED
        ],
    output:
        manifest=RESULTS / "manifests/unsplit/{dataset}.parquet",
        left_out=RESULTS / "manifests/unsplit/{dataset}.left_out.csv",
        inspection=RESULTS / "inspections/{dataset}.parquet",
    log:
        RESULTS / "logs/unite_datasets/{dataset}.log",
    benchmark:
        RESULTS / "benchmarks/unite_datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(UNITED),
    conda:
        environment("data")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=30,
    params:
        members=lambda wildcards: UNITED[wildcards.dataset],
    script:
        "../scripts/unite_datasets.py"


checkpoint split_dataset:
    input:
        manifest=RESULTS / "manifests/unsplit/{dataset}.parquet",
        left_out=RESULTS / "manifests/unsplit/{dataset}.left_out.csv",
        inspection=inspection,
    output:
        manifest=RESULTS / "manifests/{dataset}.parquet",
        images=RESULTS / "manifests/{dataset}.images.txt",
        left_out=RESULTS / "manifests/left_out/{dataset}.csv",
        counts=RESULTS / "manifests/counts/{dataset}.csv",
    log:
        RESULTS / "logs/split_dataset/{dataset}.log",
    benchmark:
        RESULTS / "benchmarks/split_dataset/{dataset}.tsv"
    conda:
        environment("data")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=30,
    params:
        shares=lambda wildcards: DATASETS[wildcards.dataset]["split"],
        min_per_label=lambda wildcards: DATASETS[wildcards.dataset]["min_per_label"],
        unreadable=config["unreadable"],
        duplicates=config["duplicates"],
        seed=config["seed"],
        index_sizes=lambda wildcards: index_sizes(wildcards.dataset),
        k=lambda wildcards: neighbors_wanted(wildcards.dataset),
    script:
        "../scripts/split_dataset.py"
