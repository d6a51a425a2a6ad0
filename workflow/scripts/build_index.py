"""Build a faiss index of the drawn images, or one part of it; its ids are manifest rows."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from cbir.embeddings.files import open_embeddings
from cbir.retrieval.indexes import build_index, part_rows, write_index
from cbir.runs.job import job

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    embeddings = open_embeddings(snakemake.input.embeddings)
    rows = part_rows(np.load(snakemake.input.rows), params.part, params.parts)
    start = time.monotonic()
    index = build_index(embeddings, rows, params.factory, threads=snakemake.threads, seed=params.seed)
    seconds = time.monotonic() - start
    write_index(index, output.index)
    build = {"build_seconds": seconds, "bytes": Path(output.index).stat().st_size}
    pd.DataFrame([build]).to_csv(output.build, index=False)
