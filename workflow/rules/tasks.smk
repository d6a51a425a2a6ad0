# What an encoder is asked to do besides retrieval: predictions/ in the results. Every task leaves the same kind of
# file, so that a new one needs no rule of its own for its scores.
rule probe_linear:
    """Train a linear classifier on the embeddings of the index images.

    Writes the probabilities of every label for the queries, of the epoch that did best on the validation images.
    """
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        predictions="<results>/predictions/{dataset}/{model}/linear.npz",
    log:
        "<logs>/probe_linear/{dataset}/{model}.log",
    conda:
        f"{ENVS}/embed.yaml"
    params:
        epochs=config["probes"]["epochs"],
        seed=config["seed"],
    script:
        "../scripts/probe_linear.py"


rule classify_knn:
    """Let the nearest index images of each query vote for its label.

    Writes the probabilities of every label, unweighted and weighted by similarity, for the k that did best on the
    validation images.
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
