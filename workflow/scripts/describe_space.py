"""Measure the geometry of a model's embeddings of a dataset."""

import numpy as np
import pandas as pd

from cbir.embeddings import open_embeddings
from cbir.jobs import job
from cbir.manifest import read_manifest
from cbir.neighbors import load_neighbors
from cbir.spaces import describe_space
from cbir.tables import write_csv

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
    write_csv(pd.DataFrame(named, index=space.index).join(space), snakemake.output.space)
