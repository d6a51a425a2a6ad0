"""Measure an index: recall against the exact neighbors, precision, queries per second, build time and size."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.retrieval.index_quality import recall_and_precision, time_search
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import gather_tables, read_table, write_table

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    split = read_manifest(given.manifest, columns=["split"])["split"].to_numpy()
    measures = recall_and_precision(
        load_neighbors(given.neighbors, len(split)),
        load_neighbors(given.exact, len(split)),
        read_table(given.scores),
        params.at,
    )
    speed = time_search(
        given.index,
        open_embeddings(given.embeddings, rows=len(split)),
        np.flatnonzero(split == "test"),
        params.k,
        snakemake.threads,
        params.parameters,
        params.engine,
    )
    build = gather_tables(given.build)
    measures.insert(3, "factory", params.factory)
    measures.insert(4, "parameters", " ".join(f"{name}={value}" for name, value in params.parameters.items()))
    measures = measures.assign(**speed, build_seconds=build["build_seconds"].sum(), bytes=build["bytes"].sum())
    write_table(measures, snakemake.output.measures)
