# Vectors: vectors/{model} is the store of every image that the model has seen, embeddings/ has those of a dataset in
# the order of its manifest, and embeddings/norms/ the norms that their features had before they were scaled to norm 1.
# The vectors of a release are imported, those of a union taken from its members.
rule embed_images:
    """Embed those distinct images of one shard that the model's vector store does not hold yet.

    Appends to the store `vectors/{model}` batch by batch, so that a killed job goes on where it was. Writes a record of
    what it did; the vectors themselves are read from the store.
    """
    input:
        pixels=rules.join_inspections.output.pixels,
        weights=branch(
            lambda wildcards: EXPERIMENT.weights_file(wildcards.model),
            then=lambda wildcards: f"<weights>/{EXPERIMENT.weights_file(wildcards.model)}",
        ),
        # Splits and sizes are checked first. As they don't change a vector, a new split does not start this job again.
        checked=ancient(rules.split_dataset.output.manifest),
    output:
        record="<results>/embeddings/shards/{dataset}/{model}/{part}-of-{parts}.json",
    log:
        "<logs>/embed_images/{dataset}/{model}/{part}-of-{parts}.log",
    priority: LONG
    conda:
        f"{ENVS}/embed.yaml"
    threads: config["embedding"]["threads"]
    resources:
        gpu=int(config["embedding"]["device"] == "cuda"),
    params:
        entry=lambda wildcards: EXPERIMENT.catalogue[wildcards.model],
        vectors=f"{RESULTS}/vectors/{{model}}",
        device=config["embedding"]["device"],
        precision=config["embedding"]["precision"],
        batch_size=config["embedding"]["batch_size"],
    script:
        "../scripts/embed_images.py"


rule join_embeddings:
    """Write the embeddings of a dataset, row i for row i of the manifest, from the model's vector store.

    Beside them stand the norms of the features, what they depend on, as JSON, and what an image costs in time and room.
    """
    input:
        manifest=rules.split_dataset.output.manifest,
        inspection=rules.join_inspections.output.inspection,
        records=lambda wildcards: EXPERIMENT.expand_shards(rules.embed_images.output.record, wildcards.dataset),
    output:
        embeddings="<results>/embeddings/{dataset}/{model}.npy",
        norms="<results>/embeddings/norms/{dataset}/{model}.npy",
        provenance="<results>/embeddings/{dataset}/{model}.json",
        cost="<results>/embeddings/cost/{dataset}/{model}.parquet",
    log:
        "<logs>/join_embeddings/{dataset}/{model}.log",
    wildcard_constraints:
        dataset=EXPERIMENT.pattern("is_embedded"),
    conda:
        f"{ENVS}/data.yaml"
    params:
        vectors=f"{RESULTS}/vectors/{{model}}",
    script:
        "../scripts/join_embeddings.py"


rule import_embeddings:
    """Bring a model's released embeddings into the order of the manifest.

    Vectors of another norm are scaled to unit norm; a missing vector is an error.
    """
    input:
        manifest=rules.split_dataset.output.manifest,
        released=lambda wildcards: EXPERIMENT.released_files(wildcards.dataset, wildcards.model),
    output:
        embeddings="<results>/embeddings/{dataset}/{model}.npy",
        norms="<results>/embeddings/norms/{dataset}/{model}.npy",
    log:
        "<logs>/import_embeddings/{dataset}/{model}.log",
    wildcard_constraints:
        dataset=EXPERIMENT.pattern("is_released"),
    conda:
        f"{ENVS}/data.yaml"
    params:
        folder=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].options["embeddings"],
    script:
        "../scripts/import_embeddings.py"


rule unite_embeddings:
    """Take the embeddings of a union from those of its members.

    Nothing is embedded again, whatever the union leaves out.
    """
    input:
        manifest=rules.unite_datasets.output.manifest,
        manifests=lambda wildcards: EXPERIMENT.expand_members(rules.split_dataset.output.manifest, wildcards.dataset),
        embeddings=lambda wildcards: EXPERIMENT.expand_members(
            rules.join_embeddings.output.embeddings, wildcards.dataset
        ),
        norms=lambda wildcards: EXPERIMENT.expand_members(rules.join_embeddings.output.norms, wildcards.dataset),
    output:
        embeddings="<results>/embeddings/{dataset}/{model}.npy",
        norms="<results>/embeddings/norms/{dataset}/{model}.npy",
    log:
        "<logs>/unite_embeddings/{dataset}/{model}.log",
    wildcard_constraints:
        dataset=EXPERIMENT.pattern("is_union"),
    conda:
        f"{ENVS}/data.yaml"
    params:
        members=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].members,
    script:
        "../scripts/unite_embeddings.py"
