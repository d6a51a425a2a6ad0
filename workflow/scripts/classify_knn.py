"""Predict the labels of the test images by those of the nearest train images, alike and weighted by similarity."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import SPLITS, read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.retrieval.indexes import build_index
from cbir.retrieval.search import search
from cbir.runs.job import job
from cbir.tasks.knn import classify_knn
from cbir.tasks.predictions import save_predictions

with job(snakemake):
    params, threads = snakemake.params, snakemake.threads
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    codes = pd.factorize(manifest["label"], sort=True)[0]
    train, val, test = (np.flatnonzero(manifest["split"] == split) for split in SPLITS)
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(manifest))
    index = build_index(embeddings, train, "Flat", threads, params.seed)
    depth = min(max(params.k), len(train))
    neighbors = [search(index, embeddings, rows, depth, threads=threads) for rows in (val, test)]
    for weighted, path in ((False, snakemake.output.knn), (True, snakemake.output.knn_weighted)):
        save_predictions(classify_knn(*neighbors, codes, train, params.k, weighted), path)
