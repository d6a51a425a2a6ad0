"""Predict the labels of the test images by those of the nearest train images, alike and weighted by similarity."""

import numpy as np
import pandas as pd

from cbir.embeddings import open_embeddings
from cbir.indexes import build_index
from cbir.jobs import job
from cbir.knn import classify_knn
from cbir.manifest import SPLITS, read_manifest
from cbir.predictions import save_predictions
from cbir.retrieval import search

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
