"""Inspect every image of one shard of a dataset: whether it is readable, its size, and its hash and fingerprint."""

from pathlib import Path

from cbir.datasets.fingerprints import add_thumbnails, fingerprint_images, write_fingerprints
from cbir.datasets.manifest import read_part
from cbir.images.reading import INSPECTION, inspect_images
from cbir.runs.job import job
from cbir.tidy import read_table, write_table

with job(snakemake):
    part, parts = int(snakemake.wildcards.part), int(snakemake.wildcards.parts)
    images = read_part(snakemake.input.manifest, part, parts, columns=["image_id", "path", "frame"])
    known, earlier = None, [Path(path) for path in snakemake.params.earlier]
    if all(path.exists() for path in earlier):
        inspection, fingerprints = earlier
        known = read_table(inspection, INSPECTION)
        known = add_thumbnails(known[known["path"].isin(images["path"])], fingerprints)
    inspected = inspect_images(images, snakemake.threads, known)
    write_fingerprints([fingerprint_images(inspected)], snakemake.output.fingerprints)
    write_table(inspected[list(INSPECTION)], snakemake.output.inspection)
