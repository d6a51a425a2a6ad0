PROBES = config["probes"]["methods"]
ANALYSES = [*(["probes"] if PROBES else []), "spaces", "label_precision", "label_frequency", "confusion"]
MAIN_TABLES = {  # the tables that the paper prints, and the tidy ones that they are made from
    "retrieval": RESULTS / "tables/retrieval.csv",
    "levels": RESULTS / "tables/retrieval.csv",
    **({"probes": RESULTS / "tables/probes.csv"} if PROBES else {}),
}


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


rule map_embeddings:
    input:
        manifest=rules.split_dataset.output.manifest,
        embeddings=rules.embed_images.output.embeddings,
    output:
        map=RESULTS / "maps/{dataset}/{model}.csv",
    log:
        RESULTS / "logs/map_embeddings/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/map_embeddings/{dataset}/{model}.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=60,
    params:
        images=config["maps"]["images"],
        seed=config["seed"],
    script:
        "../scripts/map_embeddings.py"


rule tabulate_cost:
    input:
        expand(rules.embed_images.output.cost, dataset=EMBEDDED, model=config["models"]),
    output:
        table=RESULTS / "tables/cost.csv",
    log:
        RESULTS / "logs/tabulate_cost.log",
    benchmark:
        RESULTS / "benchmarks/tabulate_cost.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=10,
    script:
        "../scripts/gather_analyses.py"


for name, tidy in MAIN_TABLES.items():

    rule:
        name:
            f"tabulate_{name}"
        input:
            tidy=tidy,
        output:
            csv=RESULTS / f"tables/{name}_main.csv",
            markdown=RESULTS / f"tables/{name}_main.md",
            latex=RESULTS / f"tables/{name}_main.tex",
        log:
            RESULTS / f"logs/tabulate_{name}.log",
        benchmark:
            RESULTS / f"benchmarks/tabulate_{name}.tsv"
        conda:
            environment("analysis")
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt * 2000,
            runtime=10,
        params:
            table=name,
            models=config["models"],
            at=config["scores"]["at"],
        script:
            "../scripts/tabulate_main.py"
