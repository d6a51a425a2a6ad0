"""Score the neighbors of every query: all metrics, with intervals at the depths of the tables and chance levels."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job

with job(snakemake):
    wildcards, params = snakemake.wildcards, snakemake.params
    rows = np.load(snakemake.input.rows)
    scores = score_retrieval(
        load_neighbors(snakemake.input.neighbors),
        read_manifest(snakemake.input.manifest, columns=["patient_id", "modality", "anatomic_region", "label"]),
        rows,
        levels=params.levels,
        at=params.at,
        bootstrap=params.bootstrap,
        seed=params.seed,
    )
    named = {name: wildcards[name] for name in ("dataset", "model", "index")}
    named |= {"index_size": wildcards.size, "draw": int(wildcards.draw), "index_images": len(rows)}
    for place, (name, value) in enumerate(named.items()):
        scores.insert(place, name, value)
    scores.to_csv(snakemake.output.scores, index=False)
