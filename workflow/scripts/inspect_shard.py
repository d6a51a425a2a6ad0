"""Decode each image of a shard once: readable or why not, its size, and a hash of its pixels."""

from cbir.datasets.manifest import read_shard
from cbir.images.reading import inspect_images
from cbir.runs.job import job

with job(snakemake):
    images = read_shard(
        snakemake.input.manifest,
        int(snakemake.wildcards.shard),
        snakemake.params.shard_size,
        columns=["image_id", "path", "frame"],
    )
    inspect_images(images, snakemake.threads).to_parquet(snakemake.output.inspection, index=False)
