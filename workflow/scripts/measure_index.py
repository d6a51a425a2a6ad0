"""Measure an index: recall against the exact neighbors, precision, queries per second, build time and size."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings, open_norms
from cbir.evaluation.index_measures import measure_index
from cbir.retrieval.index_quality import recall_at_every_k, time_search
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    split = read_manifest(given.manifest, columns=["split"])["split"].to_numpy()
    speed = time_search(
        given.index,
        open_embeddings(given.embeddings, rows=len(split)),
        np.flatnonzero(split == "test"),
        params.k,
        snakemake.threads,
        params.parameters,
        params.engine,
        params.device,
        open_norms(given.norms, len(split)) if given.get("norms") else None,
    )
    measures = measure_index(
        recall_at_every_k(load_neighbors(given.neighbors, len(split)), load_neighbors(given.exact, len(split))),
        read_table(given.scores),
        params.at,
        params.factory,
        params.parameters,
        speed,
        map(read_table, given.build),
    )
    write_table(measures, snakemake.output.measures)
