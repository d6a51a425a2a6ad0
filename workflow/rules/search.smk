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
        mem_mb=1000,
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
        index=RESULTS / "indexes/{dataset}/{model}/{index}/{size}.{draw}.faiss",
    log:
        RESULTS / "logs/build_index/{dataset}/{model}/{index}/{size}.{draw}.log",
    benchmark:
        RESULTS / "benchmarks/build_index/{dataset}/{model}/{index}/{size}.{draw}.tsv"
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1000 + 1.3 * input.size_mb),
        runtime=60,
    params:
        factory=lambda wildcards: config["indexes"][wildcards.index],
        seed=config["seed"],
    script:
        "../scripts/build_index.py"


rule search_index:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
        index=rules.build_index.output.index,
    output:
        neighbors=RESULTS / "neighbors/{dataset}/{model}/{index}/{size}.{draw}.npz",
    log:
        RESULTS / "logs/search_index/{dataset}/{model}/{index}/{size}.{draw}.log",
    benchmark:
        RESULTS / "benchmarks/search_index/{dataset}/{model}/{index}/{size}.{draw}.tsv"
    conda:
        environment("search")
    threads: config["search"]["threads"]
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1500 + 1.3 * input.size_mb),
        runtime=240,
    params:
        k=lambda wildcards: neighbors_wanted(wildcards.dataset),
    script:
        "../scripts/search_index.py"
