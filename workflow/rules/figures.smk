CURVES = ["precision_at_k", "index_size", "levels"]


FIGURES = [
    RESULTS / f"figures/{dataset}/{name}.{kind}"
    for dataset in DATASETS
    for name in [*curves(dataset), *(f"gallery/{model}" for model in config["models"])]
    for kind in ("pdf", "png")
]
TABLES = [
    rules.gather_scores.output,
    rules.tabulate_retrieval.output,
    rules.tabulate_datasets.output,
]


rule draw_curve:
    input:
        retrieval=rules.gather_scores.output.retrieval,
    output:
        pdf=RESULTS / "figures/{dataset}/{curve}.pdf",
        png=report(
            RESULTS / "figures/{dataset}/{curve}.png",
            caption="../report/{curve}.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "{curve}", "dataset": "{dataset}"},
        ),
    log:
        RESULTS / "logs/draw_curve/{dataset}/{curve}.log",
    benchmark:
        RESULTS / "benchmarks/draw_curve/{dataset}/{curve}.tsv"
    wildcard_constraints:
        curve="|".join(CURVES),
    conda:
        environment("analysis")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        families={model: CATALOGUE[model]["family"] for model in config["models"]},
    script:
        "../scripts/draw_curve.py"


rule draw_gallery:
    input:
        manifest=rules.split_dataset.output.manifest,
        neighbors=lambda wildcards: expand(
            rules.search_index.output.neighbors,
            dataset=wildcards.dataset,
            model=wildcards.model,
            index=next(iter(config["indexes"])),
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
        mem_mb=2000,
        runtime=10,
    params:
        seed=config["seed"],
    script:
        "../scripts/draw_gallery.py"
