"""Find each query's nearest images in an index, or in one part of it."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings, open_norms
from cbir.retrieval.indexes import read_index
from cbir.retrieval.neighbors import save_neighbors
from cbir.retrieval.search import search
from cbir.runs.job import job

with job(snakemake):
    params = snakemake.params
    split = read_manifest(snakemake.input.manifest, columns=["split"])["split"].to_numpy()
    embeddings = open_embeddings(snakemake.input.embeddings, rows=len(split))
    norms = open_norms(snakemake.input.norms, len(split)) if snakemake.input.get("norms") else None
    index = read_index(snakemake.input.index, embeddings, norms)
    neighbors = search(
        index,
        embeddings,
        np.flatnonzero(split == "test"),
        k=params.k if params.parts == 1 else min(params.k, index.ntotal),
        threads=snakemake.threads,
        parameters=params.parameters,
        engine=params.engine,
        device=params.device,
        norms=norms,
    )
    save_neighbors(neighbors, snakemake.output.neighbors)
