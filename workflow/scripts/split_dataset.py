"""Divide a dataset's images into index (train), validation and queries (test), and leave out what must not count."""

from cbir.datasets.hygiene import count_splits, prepare_dataset, take_as_readable
from cbir.datasets.manifest import read_manifest, write_manifest
from cbir.retrieval.index_rows import check_sizes
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    dataset, given, params, output = snakemake.wildcards.dataset, snakemake.input, snakemake.params, snakemake.output
    manifest = read_manifest(given.manifest)
    inspection = read_table(given.inspection) if given.get("inspection") else take_as_readable(manifest)
    fingerprints = [given.fingerprints] if given.get("fingerprints") else []
    images, left_out = prepare_dataset(manifest, inspection, fingerprints, dataset, **params.cleaning)
    check_sizes(images["label"].to_numpy(), images["split"].to_numpy(), params.index_sizes, params.k, dataset)
    counts = count_splits(images, left_out, inspection, fingerprints, read_table(given.left_out), dataset)
    write_table(left_out, output.left_out)
    write_table(counts, output.counts)
    write_manifest(images, output.manifest)
