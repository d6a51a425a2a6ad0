"""Train the linear probe of the study on the embeddings of the index images, and predict the labels of the queries."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.runs.job import job
from cbir.tasks.linear_study import classify_by_study_schedule
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    params = snakemake.params
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    predictions = classify_by_study_schedule(embeddings, manifest, params.steps, params.seed)
    save_predictions(predictions, snakemake.output.predictions)
