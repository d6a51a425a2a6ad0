"""Inspect every image of one shard of a dataset: whether it is readable, its size, and its hash and fingerprint."""

from cbir.datasets.fingerprints import fingerprint_images, read_earlier_inspection, write_fingerprints
from cbir.datasets.manifest import read_part
from cbir.images.reading import INSPECTION, inspect_images
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    part, parts = int(snakemake.wildcards.part), int(snakemake.wildcards.parts)
    images = read_part(snakemake.input.manifest, part, parts, columns=["image_id", "path", "frame"])
    known = read_earlier_inspection(*snakemake.params.earlier, images["path"])
    inspected = inspect_images(images, snakemake.threads, known)
    write_fingerprints([fingerprint_images(inspected)], snakemake.output.fingerprints)
    write_table(inspected[list(INSPECTION)], snakemake.output.inspection)
