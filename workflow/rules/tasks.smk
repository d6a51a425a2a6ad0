rule probe_linear:
    """Train a linear classifier on the embeddings of the index images, and predict the labels of the queries."""
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        predictions="<results>/predictions/{dataset}/{model}/linear.npz",
    log:
        "<logs>/probe_linear/{dataset}/{model}.log",
    conda:
        "<envs>/embed.yaml"
    params:
        epochs=config["probes"]["epochs"],
        seed=config["seed"],
    script:
        "../scripts/probe_linear.py"


rule classify_knn:
    """Predict the labels of the queries from their nearest index images, unweighted and weighted by similarity."""
    input:
        manifest=MANIFEST,
        embeddings=EMBEDDINGS,
    output:
        knn="<results>/predictions/{dataset}/{model}/knn.npz",
        knn_weighted="<results>/predictions/{dataset}/{model}/knn_weighted.npz",
    log:
        "<logs>/classify_knn/{dataset}/{model}.log",
    conda:
        "<envs>/search.yaml"
    threads: config["search"]["threads"]
    params:
        k=config["probes"]["k"],
        seed=config["seed"],
    script:
        "../scripts/classify_knn.py"
