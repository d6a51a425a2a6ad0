"""Score the predictions of each probe of a model's embeddings."""

import pandas as pd

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.classification import score_predictions
from cbir.runs.job import job
from cbir.tasks.predictions import load_predictions
from cbir.tidy import write_table

with job(snakemake):
    wildcards, params = snakemake.wildcards, snakemake.params
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "patient_id"])
    codes = pd.factorize(manifest["label"], sort=True)[0]
    tables = []
    for probe, path in zip(params.probes, snakemake.input.predictions, strict=True):
        scores = score_predictions(load_predictions(path), codes, manifest["patient_id"], params.bootstrap, params.seed)
        named = {"dataset": wildcards.dataset, "model": wildcards.model, "probe": probe}
        tables.append(pd.DataFrame(named, index=scores.index).join(scores))
    write_table(pd.concat(tables), snakemake.output.scores)
