"""Inspect every image of one shard of a dataset: whether it is readable, its size, and its hash and fingerprint."""

from cbir.datasets.fingerprints import fingerprint_images, write_fingerprints
from cbir.datasets.manifest import read_part
from cbir.images.reading import inspect_images
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    part, parts = int(snakemake.wildcards.part), int(snakemake.wildcards.parts)
    images = read_part(snakemake.input.manifest, part, parts, columns=["image_id", "path", "frame"])
    inspection = inspect_images(images, snakemake.threads)
    images = images.assign(pixel_hash=inspection["pixel_hash"])[inspection["readable"]]
    write_fingerprints([fingerprint_images(images, snakemake.threads)], snakemake.output.fingerprints)
    write_table(inspection, snakemake.output.inspection)
