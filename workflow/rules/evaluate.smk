rule score_retrieval:
    input:
        manifest=rules.split_dataset.output.manifest,
        rows=rules.sample_index_rows.output.rows,
        neighbors=NEIGHBORS,
    output:
        scores=RESULTS / "scores/{dataset}/{model}/{index}/{size}.{draw}.csv",
    log:
        RESULTS / "logs/score_retrieval/{dataset}/{model}/{index}/{size}.{draw}.log",
    benchmark:
        RESULTS / "benchmarks/score_retrieval/{dataset}/{model}/{index}/{size}.{draw}.tsv"
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=60,
    params:
        levels=config["scores"]["levels"],
        at=config["scores"]["at"],
        bootstrap=config["scores"]["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/score_retrieval.py"


rule gather_scores:
    input:
        scores=[
            path
            for dataset in DATASETS
            for path in combinations("scores/{dataset}/{model}/{index}/{size}.{draw}.csv", dataset)
        ],
    output:
        retrieval=RESULTS / "tables/retrieval.csv",
    log:
        RESULTS / "logs/gather_scores.log",
    benchmark:
        RESULTS / "benchmarks/gather_scores.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=10,
    script:
        "../scripts/gather_scores.py"


rule compare_models:
    input:
        manifest=rules.split_dataset.output.manifest,
        rows=lambda wildcards: expand(
            rules.sample_index_rows.output.rows,
            dataset=wildcards.dataset,
            size=largest_index(wildcards.dataset),
            draw=0,
        )[0],
        neighbors=lambda wildcards: expand(
            NEIGHBORS,
            dataset=wildcards.dataset,
            model=config["models"],
            index=wildcards.index,
            size=largest_index(wildcards.dataset),
            draw=0,
        ),
    output:
        comparisons=RESULTS / "comparisons/{dataset}/{index}.csv",
    log:
        RESULTS / "logs/compare_models/{dataset}/{index}.log",
    benchmark:
        RESULTS / "benchmarks/compare_models/{dataset}/{index}.tsv"
    conda:
        environment("search")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=120,
    params:
        models=config["models"],
        size=lambda wildcards: largest_index(wildcards.dataset),
        levels=config["scores"]["levels"],
        at=config["scores"]["at"],
        bootstrap=config["scores"]["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/compare_models.py"


rule gather_comparisons:
    input:
        comparisons=expand(rules.compare_models.output.comparisons, dataset=DATASETS, index=config["indexes"]),
    output:
        comparisons=RESULTS / "tables/comparisons.csv",
    log:
        RESULTS / "logs/gather_comparisons.log",
    benchmark:
        RESULTS / "benchmarks/gather_comparisons.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=10,
    script:
        "../scripts/gather_comparisons.py"


rule measure_index:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
        index=expand(rules.build_index.output.index, part=range(PARTS), allow_missing=True),
        build=expand(rules.build_index.output.build, part=range(PARTS), allow_missing=True),
        neighbors=NEIGHBORS,
        exact=expand(NEIGHBORS, index=exact_index(), allow_missing=True)[0],
        scores=rules.score_retrieval.output.scores,
    output:
        measures=RESULTS / "measures/{dataset}/{model}/{index}/{size}.{draw}.csv",
    log:
        RESULTS / "logs/measure_index/{dataset}/{model}/{index}/{size}.{draw}.log",
    benchmark:
        RESULTS / "benchmarks/measure_index/{dataset}/{model}/{index}/{size}.{draw}.tsv"
    priority: -1
    conda:
        environment("search")
    threads: config["search"]["threads"]
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1500 + 1.3 * input.size_files_mb[2]),
        runtime=60,
    params:
        factory=lambda wildcards: config["indexes"][wildcards.index]["factory"],
        parameters=lambda wildcards: search_parameters(wildcards.index),
        engine=config["search"]["engine"],
        k=lambda wildcards: neighbors_wanted(wildcards.dataset),
        at=lambda wildcards: sorted({*config["scores"]["at"], neighbors_wanted(wildcards.dataset)}),
    script:
        "../scripts/measure_index.py"


rule tabulate_indexes:
    input:
        measures=[
            path
            for dataset in DATASETS
            for path in expand(
                rules.measure_index.output.measures,
                dataset=dataset,
                model=config["models"],
                index=config["indexes"],
                size=largest_index(dataset),
                draw=0,
            )
        ],
    output:
        indexes=RESULTS / "tables/indexes.csv",
    log:
        RESULTS / "logs/tabulate_indexes.log",
    benchmark:
        RESULTS / "benchmarks/tabulate_indexes.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=10,
    script:
        "../scripts/tabulate_indexes.py"


rule tabulate_datasets:
    input:
        counts=expand(rules.split_dataset.output.counts, dataset=DATASETS),
    output:
        datasets=RESULTS / "tables/datasets.csv",
    log:
        RESULTS / "logs/tabulate_datasets.log",
    benchmark:
        RESULTS / "benchmarks/tabulate_datasets.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=10,
    script:
        "../scripts/tabulate_datasets.py"
