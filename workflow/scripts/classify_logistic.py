"""Fit a logistic regression to the embeddings of the index images, and predict the labels of the queries."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.runs.job import job
from cbir.tasks.logistic import classify_by_regression
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "patient_id", "split"])
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    predictions = classify_by_regression(embeddings, manifest, snakemake.params.seed)
    save_predictions(predictions, snakemake.output.predictions)
