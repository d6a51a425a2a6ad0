"""Lay out a model's embeddings of a dataset in two dimensions."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.evaluation.spaces import MAP_COLUMNS, map_embeddings
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    params = snakemake.params
    manifest = read_manifest(snakemake.input.manifest, columns=list(MAP_COLUMNS))
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    write_table(map_embeddings(embeddings, manifest, params.images, params.seed), snakemake.output.map)
