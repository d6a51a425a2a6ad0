# What the answers are worth: scores/, comparisons/ and analyses/ in the results, all of them tidy tables. Analyses
# beyond the scores are of the exact index of the whole index split.
rule score_retrieval:
    """Score the neighbors of every query by all metrics.

    Writes one row per level, average, metric and k, with 95 % intervals and the chance level.
    """
    input:
        manifest=MANIFEST,
        rows=rules.sample_index_rows.output.rows,
        neighbors=NEIGHBORS,
    output:
        scores=f"<results>/scores/{CELL}.parquet",
    log:
        f"<logs>/score_retrieval/{CELL}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        levels=config["scores"]["levels"],
        at=config["scores"]["at"],
    script:
        "../scripts/score_retrieval.py"


rule compare_models:
    """Compare every pair of models on the same queries.

    Writes the difference in precision, its 95 % interval, its p value, and the p value corrected for the number of
    pairs.
    """
    input:
        manifest=MANIFEST,
        rows=FULL_ROWS,
        neighbors=expand("<results>/neighbors/{{dataset}}/{model}/{{index}}/full.0.npz", model=EXPERIMENT.models),
    output:
        comparisons="<results>/comparisons/{dataset}/{index}.parquet",
    log:
        "<logs>/compare_models/{dataset}/{index}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        models=EXPERIMENT.models,
        size="full",
        levels=config["scores"]["levels"],
        at=config["scores"]["at"],
        seed=config["seed"],
    script:
        "../scripts/compare_models.py"


rule score_predictions:
    """Score the predictions of every classifier of a model's embeddings.

    Writes accuracy, precision, recall, F1 and area under the ROC curve.
    """
    input:
        manifest=MANIFEST,
        predictions=expand(
            "<results>/predictions/{dataset}/{model}/{probe}.npz", probe=EXPERIMENT.classifiers, allow_missing=True
        ),
    output:
        scores="<results>/analyses/probes/{dataset}/{model}.parquet",
    log:
        "<logs>/score_predictions/{dataset}/{model}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        probes=EXPERIMENT.classifiers,
    script:
        "../scripts/score_predictions.py"


rule score_labels:
    """Score each label by itself in the exact index of the whole index split.

    Writes the precision of each label, its correlation with the label's frequency, and what the label is taken for.
    """
    input:
        manifest=MANIFEST,
        rows=FULL_ROWS,
        neighbors=FULL_NEIGHBORS,
    output:
        precision="<results>/analyses/label_precision/{dataset}/{model}.parquet",
        frequency="<results>/analyses/label_frequency/{dataset}/{model}.parquet",
        confusion="<results>/analyses/confusion/{dataset}/{model}.parquet",
    log:
        "<logs>/score_labels/{dataset}/{model}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        cell=lambda wildcards: EXPERIMENT.full_cell(wildcards.dataset, wildcards.model),
        at=config["scores"]["at"],
    script:
        "../scripts/score_labels.py"


rule describe_space:
    """Measure the geometry of a model's embeddings.

    Writes hubness, uniformity, intrinsic dimension and, for each level, alignment and silhouette.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
        rows=FULL_ROWS,
        neighbors=FULL_NEIGHBORS,
    output:
        space="<results>/analyses/spaces/{dataset}/{model}.parquet",
    log:
        "<logs>/describe_space/{dataset}/{model}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        cell=lambda wildcards: EXPERIMENT.full_cell(wildcards.dataset, wildcards.model),
        levels=EXPERIMENT.levels_of_all_images,
        images=config["spaces"]["images"],
        seed=config["seed"],
    script:
        "../scripts/describe_space.py"


rule map_embeddings:
    """Lay out a model's embeddings in two dimensions by t-SNE.

    Writes the place of each image with its labels, for as many images, drawn at random, as the experiment says.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        map="<results>/analyses/maps/{dataset}/{model}.parquet",
    log:
        "<logs>/map_embeddings/{dataset}/{model}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        images=config["maps"]["images"],
        seed=config["seed"],
    script:
        "../scripts/map_embeddings.py"


rule trace_index_size:
    """Trace precision over the size of the index.

    Writes the curves over the draws of each size, and the slope of each curve with the size that is large enough.
    """
    input:
        retrieval="<results>/tables/retrieval.csv",
    output:
        points="<results>/tables/index_size.csv",
        fits="<results>/tables/index_size_fit.csv",
    log:
        "<logs>/trace_index_size.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        at=config["scores"]["at"],
    script:
        "../scripts/trace_index_size.py"
