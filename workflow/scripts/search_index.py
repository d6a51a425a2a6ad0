"""Find each query's nearest images in an index."""

import numpy as np

from cbir.embeddings import open_embeddings
from cbir.indexes import read_index
from cbir.jobs import job
from cbir.manifest import read_manifest
from cbir.neighbors import save_neighbors
from cbir.retrieval import search

with job(snakemake):
    split = read_manifest(snakemake.input.manifest, columns=["split"])["split"].to_numpy()
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(split))
    neighbors = search(
        read_index(snakemake.input.index, embeddings),
        embeddings,
        np.flatnonzero(split == "test"),
        snakemake.params.k,
        threads=snakemake.threads,
    )
    save_neighbors(neighbors, snakemake.output.neighbors)
