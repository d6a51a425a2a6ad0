"""Measure the geometry of a model's embeddings of a dataset."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.evaluation.spaces import describe_space
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    wildcards, params = snakemake.wildcards, snakemake.params
    manifest = read_manifest(snakemake.input.manifest, columns=["patient_id", "modality", "anatomic_region", "label"])
    space = describe_space(
        open_embeddings(snakemake.input.embeddings, rows=len(manifest)),
        manifest,
        np.load(snakemake.input.rows[0]),
        load_neighbors(snakemake.input.neighbors[0], len(manifest)),
        params.levels,
        params.images,
        params.seed,
    )
    named = {"dataset": wildcards.dataset, "model": wildcards.model, "index": params.index, "index_size": params.size}
    write_table(pd.DataFrame(named, index=space.index).join(space), snakemake.output.space)
