"""Compare every pair of models on the same queries: difference in precision, interval and p value."""

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.comparisons import compare_models
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import label_rows, write_table

with job(snakemake):
    given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    rows = read_rows(given.rows)
    comparisons = compare_models(
        ((model, load_neighbors(path)) for model, path in zip(params.models, given.neighbors, strict=True)),
        read_manifest(given.manifest, columns=["patient_id", "modality", "anatomic_region", "label"]),
        rows,
        levels=params.levels,
        at=params.at,
        seed=params.seed,
    )
    keys = {"dataset": wildcards.dataset, "index": wildcards.index, "index_size": params.size}
    write_table(label_rows(comparisons, **keys, index_images=len(rows)), snakemake.output.comparisons)
