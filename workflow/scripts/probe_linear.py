"""Train a linear probe on the embeddings of the train images, and predict the labels of the test images."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import SPLITS, read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.runs.job import job
from cbir.tasks.linear_probe import probe_linear
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    predictions = probe_linear(
        open_embeddings(snakemake.input.embeddings, rows=len(manifest)),
        pd.factorize(manifest["label"], sort=True)[0],
        *(np.flatnonzero(manifest["split"] == split) for split in SPLITS),
        epochs=snakemake.params.epochs,
        seed=snakemake.params.seed,
    )
    save_predictions(predictions, snakemake.output.predictions)
