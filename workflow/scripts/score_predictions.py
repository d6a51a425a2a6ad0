"""Score the predictions of every classifier of a model's embeddings."""

import pandas as pd

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.classification import score_predictions
from cbir.runs.job import job
from cbir.tasks.predictions import load_predictions
from cbir.tidy import label_rows, write_table

with job(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "patient_id"])
    tables = []
    for probe, path in zip(params.probes, snakemake.input.predictions, strict=True):
        scores = score_predictions(load_predictions(path), manifest)
        tables.append(label_rows(scores, dataset=wildcards.dataset, model=wildcards.model, probe=probe))
    write_table(pd.concat(tables), snakemake.output.scores)
