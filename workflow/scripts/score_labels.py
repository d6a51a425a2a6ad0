"""Score each label by itself: its precision, whether frequent labels do better, and what it is taken for."""

from cbir.datasets.manifest import LABEL_PARTS, read_manifest
from cbir.evaluation.labels import correlate_frequency, count_confusion, label_precision
from cbir.retrieval.index_rows import read_rows
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import label_rows, write_table

with job(snakemake):
    given, params, output = snakemake.input, snakemake.params, snakemake.output
    manifest = read_manifest(given.manifest, columns=[*LABEL_PARTS, "label"])
    neighbors = load_neighbors(given.neighbors, len(manifest))
    precision = label_precision(neighbors, manifest, read_rows(given.rows), params.at)
    write_table(label_rows(precision, **params.cell), output.precision)
    write_table(label_rows(correlate_frequency(precision), **params.cell), output.frequency)
    write_table(label_rows(count_confusion(neighbors, manifest), **params.cell), output.confusion)
