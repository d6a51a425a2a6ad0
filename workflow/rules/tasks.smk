# What an encoder is asked to do besides retrieval: predictions/ in the results. Every task leaves the same kind of
# file, so that a new one needs no rule of its own for its scores.
rule classify_logistic:
    """Fit a logistic regression to the embeddings of the index images.

    Writes the probabilities of every label for the queries. The regularization is the one that did best on the
    validation images, or by cross-validation where there are none.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        predictions="<results>/predictions/{dataset}/{model}/logistic.npz",
    log:
        "<logs>/classify_logistic/{dataset}/{model}.log",
    conda:
        f"{ENVS}/analysis.yaml"
    params:
        seed=config["seed"],
    script:
        "../scripts/classify_logistic.py"


rule classify_linear_study:
    """Train the linear probe of the study on the embeddings of the index images.

    Writes the probabilities of every label for the queries, of the step that did best on the validation images.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        predictions="<results>/predictions/{dataset}/{model}/linear_study.npz",
    log:
        "<logs>/classify_linear_study/{dataset}/{model}.log",
    conda:
        f"{ENVS}/embed.yaml"
    params:
        steps=config["probes"]["steps"],
        seed=config["seed"],
    script:
        "../scripts/classify_linear_study.py"


rule classify_knn:
    """Let the nearest index images of each query vote for its label.

    Writes the probabilities of every label, unweighted and weighted by similarity, for the k that did best on the
    validation images. Both files have the weighted votes of one k that is the same for all models, too, which rank the
    queries for the area under the ROC curve.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        knn="<results>/predictions/{dataset}/{model}/knn.npz",
        knn_weighted="<results>/predictions/{dataset}/{model}/knn_weighted.npz",
    log:
        "<logs>/classify_knn/{dataset}/{model}.log",
    conda:
        f"{ENVS}/search.yaml"
    threads: config["search"]["threads"]
    params:
        k=config["probes"]["k"],
        seed=config["seed"],
    script:
        "../scripts/classify_knn.py"
