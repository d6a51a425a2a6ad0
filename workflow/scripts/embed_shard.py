"""Embed the images of a shard with one encoder; beside them, all that the embeddings depend on."""

import json
import time
from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import read_shard
from cbir.embeddings.images import embed_images
from cbir.encoders.image_encoder import load_encoder
from cbir.runs.job import job

with job(snakemake):
    params = snakemake.params
    images = read_shard(
        snakemake.input.manifest,
        int(snakemake.wildcards.shard),
        params.shard_size,
        columns=["image_id", "path", "frame"],
    )
    encoder = load_encoder(params.entry, snakemake.input.get("weights"), params.device, params.precision)
    start = time.monotonic()
    embed_images(encoder, images, snakemake.output.embeddings, params.batch_size, snakemake.threads)
    cost = {"images": len(images), "seconds": time.monotonic() - start, "dimensions": encoder.dimensions}
    cost |= {"device": encoder.device.type, "precision": params.precision, "batch_size": params.batch_size}
    pd.DataFrame([cost | {"threads": snakemake.threads}]).to_csv(snakemake.output.cost, index=False)
    Path(snakemake.output.provenance).write_text(json.dumps(encoder.provenance, indent=2) + "\n")
