"""Train a linear classifier on the embeddings of the index images, and predict the labels of the queries."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.runs.job import job
from cbir.tasks.linear_probe import probe_linear
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    params = snakemake.params
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    save_predictions(probe_linear(embeddings, manifest, params.epochs, params.seed), snakemake.output.predictions)
