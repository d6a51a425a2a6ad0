"""Bring a model's released embeddings into the order of the manifest."""

from cbir.datasets.released import import_embeddings
from cbir.jobs import job
from cbir.manifest import read_manifest

with job(snakemake):
    import_embeddings(
        read_manifest(snakemake.input.manifest, columns=["path"]),
        snakemake.params.folder,
        snakemake.wildcards.model,
        snakemake.output.embeddings,
    )
