"""Lay out a model's embeddings of a dataset in two dimensions."""

from cbir.datasets.manifest import LABEL_PARTS, read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.evaluation.spaces import map_embeddings
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    manifest = read_manifest(snakemake.input.manifest, columns=["image_id", "split", *LABEL_PARTS])
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    places = map_embeddings(embeddings, snakemake.params.images, snakemake.params.seed)
    placed = manifest.iloc[places["row"]].reset_index(drop=True).join(places[["x", "y"]])
    write_table(placed, snakemake.output.map)
