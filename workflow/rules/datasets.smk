# From a publisher's files to a manifest with splits: manifests/, inspections/, fingerprints/ and pixels/ in the results.
# A change of labels, splits or sizes never reaches the embedding, which reads nothing but pixels/.
rule make_phantoms:
    """Make the synthetic images of a phantom dataset.

    Writes a folder of PNG and DICOM files with their table images.csv. The same seed gives the same bytes.
    """
    output:
        folder=directory("<results>/phantoms/{dataset}"),
    log:
        "<logs>/make_phantoms/{dataset}.log",
    conda:
        f"{ENVS}/data.yaml"
    threads: 8
    params:
        patients=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].options["patients"],
        seed=config["seed"],
    script:
        "../scripts/make_phantoms.py"


rule make_manifest:
    """List the images of a dataset and their labels, as its source gives them.

    Writes one row per image, sorted by image_id, without splits unless the publisher has them; the number of images
    that the source left out, by reason; and the patient ids that differ in their form only, unless they are hashed.
    """
    input:
        tables=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].listing_files,
        changes=lambda wildcards: EXPERIMENT.noted_changes(wildcards.dataset, "files"),
    output:
        manifest="<results>/manifests/unsplit/{dataset}.parquet",
        left_out="<results>/manifests/unsplit/{dataset}.left_out.parquet",
        files="<results>/manifests/files/{dataset}.json",
        similar_patients="<results>/manifests/similar_patients/{dataset}.csv",
    log:
        "<logs>/make_manifest/{dataset}.log",
    conda:
        f"{ENVS}/data.yaml"
    params:
        options=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].source_options,
        tree=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].tree,
    script:
        "../scripts/make_manifest.py"


rule inspect_images:
    """Decode every image of one shard of a dataset once.

    Writes for each image whether it is readable, or why not, its size, and a hash of its pixels; and for each distinct
    picture a thumbnail and its perceptual hash, by which near copies are found. An image that the earlier inspection of
    the dataset could read is decoded again only if its file has changed.
    """
    input:
        manifest=rules.make_manifest.output.manifest,
        changes=lambda wildcards: EXPERIMENT.noted_changes(wildcards.dataset, "images"),
    output:
        inspection=temp("<results>/inspections/shards/{dataset}/{part}-of-{parts}.parquet"),
        fingerprints=temp("<results>/fingerprints/shards/{dataset}/{part}-of-{parts}.parquet"),
    log:
        "<logs>/inspect_images/{dataset}/{part}-of-{parts}.log",
    conda:
        f"{ENVS}/data.yaml"
    threads: 4
    params:
        earlier=lambda wildcards: [
            f"{RESULTS}/{folder}/{wildcards.dataset}.parquet" for folder in ("inspections", "fingerprints")
        ],
    script:
        "../scripts/inspect_images.py"


rule join_inspections:
    """Join the inspections of a dataset's shards, and list its distinct images.

    The list of distinct images is all that embedding needs to know of a dataset: pixels, but no labels and no splits.
    """
    input:
        manifest=rules.make_manifest.output.manifest,
        inspections=lambda wildcards: EXPERIMENT.expand_shards(
            rules.inspect_images.output.inspection, wildcards.dataset
        ),
        fingerprints=lambda wildcards: EXPERIMENT.expand_shards(
            rules.inspect_images.output.fingerprints, wildcards.dataset
        ),
    output:
        inspection="<results>/inspections/{dataset}.parquet",
        states="<results>/inspections/states/{dataset}.json",
        fingerprints="<results>/fingerprints/{dataset}.parquet",
        pixels="<results>/pixels/{dataset}.parquet",
    log:
        "<logs>/join_inspections/{dataset}.log",
    conda:
        f"{ENVS}/data.yaml"
    script:
        "../scripts/join_inspections.py"


rule split_dataset:
    """Divide the images into index (train), validation and queries (test).

    Leaves out what must not count: unreadable images, rare labels and, where the experiment says so, repeats and near
    copies of queries. Refuses index sizes and a depth of search that the index split cannot give, before anything is
    embedded.
    """
    input:
        manifest=rules.make_manifest.output.manifest,
        left_out=rules.make_manifest.output.left_out,
        inspection=branch(
            lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].is_embedded,
            then=rules.join_inspections.output.inspection,
        ),
        fingerprints=branch(
            lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].is_embedded,
            then=rules.join_inspections.output.fingerprints,
        ),
    output:
        manifest="<results>/manifests/{dataset}.parquet",
        left_out="<results>/manifests/left_out/{dataset}.parquet",
        counts="<results>/manifests/counts/{dataset}.parquet",
    log:
        "<logs>/split_dataset/{dataset}.log",
    wildcard_constraints:
        dataset=EXPERIMENT.pattern("has_own_source"),
    conda:
        f"{ENVS}/data.yaml"
    params:
        cleaning=lambda wildcards: EXPERIMENT.cleaning_options(wildcards.dataset),
        index_sizes=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].index_sizes,
        k=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].k,
    script:
        "../scripts/split_dataset.py"


rule unite_datasets:
    """Unite the manifests of several datasets, whose splits stand.

    Leaves out what must not count in the union: labels that are rare there and repeats across its members.
    """
    input:
        manifests=lambda wildcards: EXPERIMENT.expand_members(rules.split_dataset.output.manifest, wildcards.dataset),
        inspections=lambda wildcards: EXPERIMENT.expand_inspections(
            rules.join_inspections.output.inspection, wildcards.dataset
        ),
        fingerprints=lambda wildcards: EXPERIMENT.expand_inspections(
            rules.join_inspections.output.fingerprints, wildcards.dataset
        ),
    output:
        manifest="<results>/manifests/{dataset}.parquet",
        left_out="<results>/manifests/left_out/{dataset}.parquet",
        counts="<results>/manifests/counts/{dataset}.parquet",
    log:
        "<logs>/unite_datasets/{dataset}.log",
    wildcard_constraints:
        dataset=EXPERIMENT.pattern("is_union"),
    conda:
        f"{ENVS}/data.yaml"
    params:
        members=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].members,
        cleaning=lambda wildcards: EXPERIMENT.cleaning_options(wildcards.dataset),
        index_sizes=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].index_sizes,
        k=lambda wildcards: EXPERIMENT.datasets[wildcards.dataset].k,
    script:
        "../scripts/unite_datasets.py"
