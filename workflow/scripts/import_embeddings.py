"""Bring a model's released embeddings into the order of the manifest."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import save_norms
from cbir.embeddings.released import import_embeddings
from cbir.runs.job import job

with job(snakemake):
    norms = import_embeddings(
        read_manifest(snakemake.input.manifest, columns=["path"]),
        snakemake.params.folder,
        snakemake.wildcards.model,
        snakemake.output.embeddings,
    )
    save_norms(norms, snakemake.output.norms)
