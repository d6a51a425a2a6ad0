"""Compare every pair of models on the same queries: difference in precision, interval and p value."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.comparisons import compare_models
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    wildcards, params = snakemake.wildcards, snakemake.params
    rows = np.load(snakemake.input.rows)
    comparisons = compare_models(
        ((model, load_neighbors(path)) for model, path in zip(params.models, snakemake.input.neighbors, strict=True)),
        read_manifest(snakemake.input.manifest, columns=["patient_id", "modality", "anatomic_region", "label"]),
        rows,
        levels=params.levels,
        at=params.at,
        bootstrap=params.bootstrap,
        seed=params.seed,
    )
    named = {
        "dataset": wildcards.dataset,
        "index": wildcards.index,
        "index_size": params.size,
        "index_images": len(rows),
    }
    for place, (name, value) in enumerate(named.items()):
        comparisons.insert(place, name, value)
    write_table(comparisons, snakemake.output.comparisons)
