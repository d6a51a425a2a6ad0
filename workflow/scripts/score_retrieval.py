"""Score the neighbors of every query: all metrics, with intervals at the depths of the tables and chance levels."""

from cbir.datasets.manifest import read_manifest
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import label_rows, write_table

with job(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    rows = read_rows(snakemake.input.rows)
    scores = score_retrieval(
        load_neighbors(snakemake.input.neighbors),
        read_manifest(snakemake.input.manifest, columns=["patient_id", "modality", "anatomic_region", "label"]),
        rows,
        levels=params.levels,
        at=params.at,
    )
    keys = {name: wildcards.get(name) for name in ("dataset", "model", "index")}
    keys |= {"index_size": wildcards.size, "draw": int(wildcards.draw), "index_images": len(rows)}
    write_table(label_rows(scores, **keys), snakemake.output.scores)
