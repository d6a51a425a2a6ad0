PROBES = config["probes"]["methods"]
ANALYSES = [*(["probes"] if PROBES else []), "spaces", "label_precision", "label_frequency", "confusion"]


rule probe_linear:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
    output:
        predictions=RESULTS / "predictions/{dataset}/{model}/linear.npz",
    log:
        RESULTS / "logs/probe_linear/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/probe_linear/{dataset}/{model}.tsv"
    conda:
        environment("embed")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=480,
    params:
        epochs=config["probes"]["epochs"],
        seed=config["seed"],
    script:
        "../scripts/probe_linear.py"


rule classify_knn:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
    output:
        knn=RESULTS / "predictions/{dataset}/{model}/knn.npz",
        knn_weighted=RESULTS / "predictions/{dataset}/{model}/knn_weighted.npz",
    log:
        RESULTS / "logs/classify_knn/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/classify_knn/{dataset}/{model}.tsv"
    conda:
        environment("search")
    threads: config["search"]["threads"]
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * int(1500 + 1.3 * input.size_mb),
        runtime=240,
    params:
        k=config["probes"]["k"],
        seed=config["seed"],
    script:
        "../scripts/classify_knn.py"


rule score_probes:
    input:
        manifest=rules.split_dataset.output.manifest,
        predictions=[RESULTS / f"predictions/{{dataset}}/{{model}}/{probe}.npz" for probe in PROBES],
    output:
        scores=RESULTS / "analyses/probes/{dataset}/{model}.csv",
    log:
        RESULTS / "logs/score_probes/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/score_probes/{dataset}/{model}.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=60,
    params:
        probes=PROBES,
        bootstrap=config["scores"]["bootstrap"],
        seed=config["seed"],
    script:
        "../scripts/score_probes.py"


rule describe_space:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
        rows=from_largest_index(rules.sample_index_rows.output.rows),
        neighbors=from_largest_index(NEIGHBORS),
    output:
        space=RESULTS / "analyses/spaces/{dataset}/{model}.csv",
    log:
        RESULTS / "logs/describe_space/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/describe_space/{dataset}/{model}.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=60,
    params:
        index=exact_index(),
        size=lambda wildcards: largest_index(wildcards.dataset),
        levels=[level for level in config["scores"]["levels"] if level != "pathology_in_region"],
        images=config["spaces"]["images"],
        seed=config["seed"],
    script:
        "../scripts/describe_space.py"


rule score_labels:
    input:
        manifest=rules.split_dataset.output.manifest,
        rows=from_largest_index(rules.sample_index_rows.output.rows),
        neighbors=from_largest_index(NEIGHBORS),
    output:
        precision=RESULTS / "analyses/label_precision/{dataset}/{model}.csv",
        frequency=RESULTS / "analyses/label_frequency/{dataset}/{model}.csv",
        confusion=RESULTS / "analyses/confusion/{dataset}/{model}.csv",
    log:
        RESULTS / "logs/score_labels/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/score_labels/{dataset}/{model}.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=30,
    params:
        index=exact_index(),
        size=lambda wildcards: largest_index(wildcards.dataset),
        at=config["scores"]["at"],
    script:
        "../scripts/score_labels.py"


# A rule a table: Snakemake takes a caption's file from the rule, not from a wildcard.
for analysis in ANALYSES:

    rule:
        name:
            f"gather_{analysis}"
        input:
            expand(RESULTS / f"analyses/{analysis}/{{dataset}}/{{model}}.csv", dataset=DATASETS, model=config["models"]),
        output:
            table=RESULTS / f"tables/{analysis}.csv",
        log:
            RESULTS / f"logs/gather_{analysis}.log",
        benchmark:
            RESULTS / f"benchmarks/gather_{analysis}.tsv"
        conda:
            environment("analysis")
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt * 2000,
            runtime=10,
        script:
            "../scripts/gather_analyses.py"


rule trace_index_size:
    input:
        retrieval=rules.gather_scores.output.retrieval,
    output:
        curves=RESULTS / "tables/index_size.csv",
        fits=RESULTS / "tables/index_size_fit.csv",
    log:
        RESULTS / "logs/trace_index_size.log",
    benchmark:
        RESULTS / "benchmarks/trace_index_size.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=10,
    params:
        at=config["scores"]["at"],
    script:
        "../scripts/trace_index_size.py"
