rule embed_shard:
    input:
        manifest=rules.split_dataset.output.manifest,
        weights=weights,
    output:
        embeddings=temp(RESULTS / "embeddings/shards/{dataset}/{model}/{shard}.npy"),
        provenance=temp(RESULTS / "embeddings/shards/{dataset}/{model}/{shard}.json"),
    log:
        RESULTS / "logs/embed_shard/{dataset}/{model}/{shard}.log",
    benchmark:
        RESULTS / "benchmarks/embed_shard/{dataset}/{model}/{shard}.tsv"
    conda:
        environment("embed")
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=6000,
        runtime=480,
    params:
        entry=lambda wildcards: CATALOGUE[wildcards.model],
        device=config["embedding"]["device"],
        precision=config["embedding"]["precision"],
        batch_size=config["embedding"]["batch_size"],
        shard_size=config["embedding"]["shard_size"],
    script:
        "../scripts/embed_shard.py"


rule embed_images:
    input:
        shards=lambda wildcards: expand(
            rules.embed_shard.output.embeddings,
            dataset=wildcards.dataset,
            model=wildcards.model,
            shard=shards(checkpoints.split_dataset.get(dataset=wildcards.dataset).output.manifest),
        ),
        provenance=expand(rules.embed_shard.output.provenance, shard=0, allow_missing=True),
    output:
        embeddings=RESULTS / "embeddings/{dataset}/{model}.npy",
        provenance=RESULTS / "embeddings/{dataset}/{model}.json",
    log:
        RESULTS / "logs/embed_images/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/embed_images/{dataset}/{model}.tsv"
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    script:
        "../scripts/embed_images.py"
