"""Decode every image of one shard of a dataset once: whether it is readable, its size, and a hash of its pixels."""

from cbir.datasets.manifest import read_part
from cbir.images.reading import inspect_images
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    part, parts = int(snakemake.wildcards.part), int(snakemake.wildcards.parts)
    images = read_part(snakemake.input.manifest, part, parts, columns=["image_id", "path", "frame"])
    write_table(inspect_images(images, snakemake.threads), snakemake.output.inspection)
