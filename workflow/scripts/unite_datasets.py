"""Unite the manifests of several datasets; their splits stand."""

import pandas as pd

from cbir.datasets.hygiene import count_splits
from cbir.datasets.manifest import read_manifest, write_manifest
from cbir.datasets.union import unite_datasets
from cbir.retrieval.index_rows import check_sizes
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    dataset, given, params, output = snakemake.wildcards.dataset, snakemake.input, snakemake.params, snakemake.output
    manifests = dict(zip(params.members, map(read_manifest, given.manifests), strict=True))
    inspections = dict(zip(params.members, map(read_table, given.inspections), strict=False))
    images, left_out, inspection = unite_datasets(
        dataset, manifests, inspections, given.fingerprints, **params.cleaning
    )
    check_sizes(images["label"].to_numpy(), images["split"].to_numpy(), params.index_sizes, params.k, dataset)
    by_source = pd.DataFrame(columns=["reason", "images"])  # the members have counted theirs
    write_table(left_out, output.left_out)
    counts = count_splits(images, left_out, inspection, given.fingerprints, by_source, dataset)
    write_table(counts, output.counts)
    write_manifest(images, output.manifest)
