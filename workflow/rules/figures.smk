CURVES = ["precision_at_k", "index_size", "levels"]


FIGURES = [
    RESULTS / f"figures/{dataset}/{name}.{kind}"
    for dataset in DATASETS
    for name in [*curves(dataset), *galleries(dataset)]
    for kind in ("pdf", "png")
]
TABLES = [
    rules.gather_scores.output,
    rules.tabulate_retrieval.output,
    rules.tabulate_datasets.output,
    rules.trace_index_size.output,
    expand(RESULTS / "tables/{analysis}.csv", analysis=ANALYSES),
    *([rules.gather_comparisons.output] if len(config["models"]) > 1 else []),
    *(rules.tabulate_indexes.output if len(config["indexes"]) > 1 else []),
]


# A rule a figure: Snakemake takes a caption's file from the rule, not from a wildcard.
for curve in CURVES:

    rule:
        name:
            f"draw_{curve}"
        input:
            retrieval=rules.gather_scores.output.retrieval,
        output:
            pdf=RESULTS / f"figures/{{dataset}}/{curve}.pdf",
            png=report(
                RESULTS / f"figures/{{dataset}}/{curve}.png",
                caption=f"../report/{curve}.rst",
                category="Figures",
                subcategory="{dataset}",
                labels={"figure": curve.replace("_", " "), "dataset": "{dataset}"},
            ),
        log:
            RESULTS / f"logs/draw_{curve}/{{dataset}}.log",
        benchmark:
            RESULTS / f"benchmarks/draw_{curve}/{{dataset}}.tsv"
        conda:
            environment("analysis")
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt * 2000,
            runtime=10,
        params:
            curve=curve,
            families={model: CATALOGUE.get(model, {}).get("family", "released") for model in config["models"]},
        script:
            "../scripts/draw_curve.py"


rule draw_gallery:
    input:
        manifest=rules.split_dataset.output.manifest,
        neighbors=lambda wildcards: expand(
            NEIGHBORS,
            dataset=wildcards.dataset,
            model=wildcards.model,
            index=exact_index(),
            size=largest_index(wildcards.dataset),
            draw=0,
        ),
    output:
        pdf=RESULTS / "figures/{dataset}/gallery/{model}.pdf",
        png=report(
            RESULTS / "figures/{dataset}/gallery/{model}.png",
            caption="../report/gallery.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "gallery {model}", "dataset": "{dataset}"},
        ),
    log:
        RESULTS / "logs/draw_gallery/{dataset}/{model}.log",
    benchmark:
        RESULTS / "benchmarks/draw_gallery/{dataset}/{model}.tsv"
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=10,
    params:
        seed=config["seed"],
    script:
        "../scripts/draw_gallery.py"
