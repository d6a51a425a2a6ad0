"""Divide a dataset's images into index (train), validation and queries (test); leave out what must not count."""

from pathlib import Path

import pandas as pd

from cbir.datasets.hygiene import count_splits, prepare_dataset, take_as_readable
from cbir.datasets.manifest import read_manifest, write_manifest
from cbir.retrieval.index_rows import check_sizes
from cbir.runs.job import job

with job(snakemake):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    manifest = read_manifest(snakemake.input.manifest)
    inspected = snakemake.input.inspection
    inspection = pd.read_parquet(inspected) if inspected else take_as_readable(manifest)
    images, left_out = prepare_dataset(
        manifest,
        inspection,
        dataset,
        shares=params.shares,
        min_per_label=params.min_per_label,
        unreadable=params.unreadable,
        duplicates=params.duplicates,
        seed=params.seed,
    )
    check_sizes(images["label"].to_numpy(), images["split"].to_numpy(), params.index_sizes, params.k, dataset)
    write_manifest(images, snakemake.output.manifest)
    Path(snakemake.output.images).write_text(f"{len(images)}\n")
    left_out.to_csv(snakemake.output.left_out, index=False)
    by_source = pd.read_csv(snakemake.input.left_out)
    count_splits(images, left_out, inspection, by_source, dataset).to_csv(snakemake.output.counts, index=False)
