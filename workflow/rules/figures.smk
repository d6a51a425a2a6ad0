SCORES = rules.gather_scores.output.retrieval
CURVES = {  # the figures of a dataset, and the tables that each is drawn from
    "precision_at_k": [SCORES],
    "index_size": [SCORES],
    "levels": [SCORES],
    "comparisons": [rules.gather_comparisons.output.comparisons],
    "label_frequency": [RESULTS / "tables/label_precision.csv", RESULTS / "tables/label_frequency.csv"],
    "embedding_quality": [SCORES, RESULTS / "tables/probes.csv"],
    "recall_speed": [rules.tabulate_indexes.output.indexes],
    "cost": [SCORES, rules.tabulate_cost.output.table],
}
OF_EXACT_INDEX = ["embedding_quality", "cost"]
OF_MODELS = {"confusion": rules.score_labels.output.confusion, "map": rules.map_embeddings.output.map}


FIGURES = [
    RESULTS / f"figures/{dataset}/{name}.{kind}"
    for dataset in DATASETS
    for name in [*curves(dataset), *figures_of_models(dataset)]
    for kind in ("pdf", "png")
]
TABLES = [
    rules.gather_scores.output,
    expand(RESULTS / "tables/{table}_main.{kind}", table=MAIN_TABLES, kind=["csv", "md", "tex"]),
    rules.tabulate_datasets.output,
    rules.trace_index_size.output,
    expand(RESULTS / "tables/{analysis}.csv", analysis=ANALYSES),
    *([rules.gather_comparisons.output] if len(config["models"]) > 1 else []),
    *(rules.tabulate_indexes.output if len(config["indexes"]) > 1 else []),
    *(rules.tabulate_cost.output if EMBEDDED else []),
]


# A rule a figure: Snakemake takes a caption's file from the rule, not from a wildcard.
for curve, tables in CURVES.items():

    rule:
        name:
            f"draw_{curve}"
        input:
            tables,
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
            index=exact_index() if curve in OF_EXACT_INDEX else None,
            families={model: CATALOGUE.get(model, {}).get("family", "released") for model in config["models"]},
        script:
            "../scripts/draw_curve.py"


for figure, table in OF_MODELS.items():

    rule:
        name:
            f"draw_{figure}"
        input:
            table=table,
        output:
            pdf=RESULTS / f"figures/{{dataset}}/{figure}/{{model}}.pdf",
            png=report(
                RESULTS / f"figures/{{dataset}}/{figure}/{{model}}.png",
                caption=f"../report/{figure}.rst",
                category="Figures",
                subcategory="{dataset}",
                labels={"figure": f"{figure} {{model}}", "dataset": "{dataset}"},
            ),
        log:
            RESULTS / f"logs/draw_{figure}/{{dataset}}/{{model}}.log",
        benchmark:
            RESULTS / f"benchmarks/draw_{figure}/{{dataset}}/{{model}}.tsv"
        conda:
            environment("analysis")
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt * 2000,
            runtime=10,
        params:
            figure=figure,
        script:
            "../scripts/draw_model.py"


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
