"""Build a faiss index of the drawn images; its ids are manifest rows."""

import numpy as np

from cbir.embeddings import open_embeddings
from cbir.indexes import build_index, write_index
from cbir.jobs import job

with job(snakemake):
    index = build_index(
        open_embeddings(snakemake.input.embeddings),
        np.load(snakemake.input.rows),
        snakemake.params.factory,
        threads=snakemake.threads,
        seed=snakemake.params.seed,
    )
    write_index(index, snakemake.output.index)
