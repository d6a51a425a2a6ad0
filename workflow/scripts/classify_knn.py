"""Predict the labels of the queries from those of their nearest index images, unweighted and weighted by similarity."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.runs.job import job
from cbir.tasks.knn import classify_by_neighbors
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    unweighted, weighted = classify_by_neighbors(embeddings, manifest, params.k, snakemake.threads, params.seed)
    save_predictions(unweighted, output.knn)
    save_predictions(weighted, output.knn_weighted)
