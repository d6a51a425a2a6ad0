"""Score each label by itself: its precision, whether frequent labels do better, and what it is taken for."""

from cbir.datasets.manifest import LABEL_PARTS, read_manifest
from cbir.evaluation.labels import score_labels
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import label_rows, write_table

with job(snakemake):
    given, params = snakemake.input, snakemake.params
    manifest = read_manifest(given.manifest, columns=[*LABEL_PARTS, "label"])
    neighbors = load_neighbors(given.neighbors, len(manifest))
    for name, table in score_labels(neighbors, manifest, read_rows(given.rows), params.at).items():
        write_table(label_rows(table, **params.cell), snakemake.output[name])
