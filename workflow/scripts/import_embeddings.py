"""Bring a model's released embeddings into the order of the manifest."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.released import import_embeddings
from cbir.runs.job import job

with job(snakemake):
    import_embeddings(
        read_manifest(snakemake.input.manifest, columns=["path"]),
        snakemake.params.folder,
        snakemake.wildcards.model,
        snakemake.output.embeddings,
    )
