"""Build a faiss index of the drawn images, or one part of it; its ids are manifest rows."""

import time
from pathlib import Path

import pandas as pd

from cbir.embeddings.files import open_embeddings, open_norms
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.indexes import build_index, part_rows, write_index
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    embeddings = open_embeddings(snakemake.input.embeddings)
    norms = open_norms(snakemake.input.norms, len(embeddings)) if snakemake.input.get("norms") else None
    rows = part_rows(read_rows(snakemake.input.rows), params.part, params.parts)
    start = time.monotonic()
    index = build_index(embeddings, rows, params.factory, threads=snakemake.threads, seed=params.seed, norms=norms)
    seconds = time.monotonic() - start
    write_index(index, output.index)
    write_table(pd.DataFrame([{"build_seconds": seconds, "bytes": Path(output.index).stat().st_size}]), output.build)
