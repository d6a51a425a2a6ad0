rule weights:
    input:
        expand(WEIGHTS / "{file}", file=PUBLISHED),
    localrule: True


# A file that is there already, fetched or put there by hand, has no rule: it is never fetched again, nor deleted.
rule fetch_weights:
    output:
        WEIGHTS / "{file}",
    log:
        RESULTS / "logs/fetch_weights/{file}.log",
    wildcard_constraints:
        file=one_of(file for file in PUBLISHED if not (WEIGHTS / file).exists()),
    localrule: True
    conda:
        environment("embed")
    threads: 1
    params:
        source=lambda wildcards: PUBLISHED[wildcards.file],
    script:
        "../scripts/fetch_weights.py"


rule embed_shard:
    input:
        manifest=rules.split_dataset.output.manifest,
        weights=weights,
    output:
        embeddings=temp(RESULTS / "embeddings/shards/{dataset}/{model}/{shard}.npy"),
        provenance=temp(RESULTS / "embeddings/shards/{dataset}/{model}/{shard}.json"),
        cost=temp(RESULTS / "embeddings/shards/{dataset}/{model}/{shard}.csv"),
    log:
        RESULTS / "logs/embed_shard/{dataset}/{model}/{shard}.log",
    benchmark:
        RESULTS / "benchmarks/embed_shard/{dataset}/{model}/{shard}.tsv"
    priority: LONG
    conda:
        environment("embed")
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 6000,
        runtime=480,
        gpu=int(config["embedding"]["device"] == "cuda"),
    params:
        entry=lambda wildcards: CATALOGUE[wildcards.model],
        device=config["embedding"]["device"],
        precision=config["embedding"]["precision"],
        batch_size=config["embedding"]["batch_size"],
        shard_size=config["embedding"]["shard_size"],
    script:
        "../scripts/embed_shard.py"


rule import_embeddings:
    input:
        manifest=rules.split_dataset.output.manifest,
        released=released,
    output:
        embeddings=RESULTS / "embeddings/{dataset}/{model}.npy",
    log:
        RESULTS / "logs/import_embeddings/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/import_embeddings/{dataset}/{model}.tsv"
    wildcard_constraints:
        dataset=one_of(RELEASED),
    conda:
        environment("data")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=120,
    params:
        folder=lambda wildcards: DATASETS[wildcards.dataset]["embeddings"],
    script:
        "../scripts/import_embeddings.py"


rule embed_images:
    input:
        shards=from_shards(rules.embed_shard.output.embeddings),
        costs=from_shards(rules.embed_shard.output.cost),
        provenance=expand(rules.embed_shard.output.provenance, shard=0, allow_missing=True),
    output:
        embeddings=RESULTS / "embeddings/{dataset}/{model}.npy",
        provenance=RESULTS / "embeddings/{dataset}/{model}.json",
        cost=RESULTS / "embeddings/{dataset}/{model}.cost.csv",
    log:
        RESULTS / "logs/embed_images/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/embed_images/{dataset}/{model}.tsv"
    wildcard_constraints:
        dataset=one_of(EMBEDDED),
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=60,
    script:
        "../scripts/embed_images.py"


rule unite_embeddings:
    input:
        manifest=rules.split_dataset.output.manifest,
        manifests=of_members(rules.split_dataset.output.manifest),
        embeddings=of_members(RESULTS / "embeddings/{dataset}/{model}.npy"),
    output:
        embeddings=RESULTS / "embeddings/{dataset}/{model}.npy",
    log:
        RESULTS / "logs/unite_embeddings/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/unite_embeddings/{dataset}/{model}.tsv"
    wildcard_constraints:
        dataset=one_of(UNITED),
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=60,
    params:
        members=lambda wildcards: UNITED[wildcards.dataset],
    script:
        "../scripts/unite_embeddings.py"
