"""Measure the geometry of a model's embeddings of a dataset."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings
from cbir.evaluation.spaces import describe_space
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import label_rows, write_table

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    manifest = read_manifest(given.manifest, columns=["patient_id", "modality", "anatomic_region", "label"])
    space = describe_space(
        open_embeddings(given.embeddings, rows=len(manifest)),
        manifest,
        read_rows(given.rows),
        load_neighbors(given.neighbors, len(manifest)),
        params.levels,
        params.images,
        params.seed,
    )
    write_table(label_rows(space, **params.cell), snakemake.output.space)
