"""Embed the images of a shard with one encoder; beside them, all that the embeddings depend on."""

import json
from pathlib import Path

from cbir.embedding import embed_images
from cbir.jobs import job
from cbir.manifest import read_shard
from cbir.models.encoder import load_encoder

with job(snakemake):
    params = snakemake.params
    images = read_shard(
        snakemake.input.manifest,
        int(snakemake.wildcards.shard),
        params.shard_size,
        columns=["image_id", "path", "frame"],
    )
    encoder = load_encoder(params.entry, snakemake.input.get("weights"), params.device, params.precision)
    embed_images(encoder, images, snakemake.output.embeddings, params.batch_size, snakemake.threads)
    Path(snakemake.output.provenance).write_text(json.dumps(encoder.provenance, indent=2) + "\n")
