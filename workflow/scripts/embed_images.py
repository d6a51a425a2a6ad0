"""Embed those distinct images of one shard of a dataset that the model's vector store does not hold yet."""

import json
from pathlib import Path

from cbir.datasets.manifest import read_part
from cbir.embeddings.images import embed_images
from cbir.embeddings.vectors import name_store
from cbir.encoders.image_encoder import load_encoder
from cbir.files import whole_file
from cbir.runs.job import job

with job(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    pixels = read_part(snakemake.input.pixels, int(wildcards.part), int(wildcards.parts))
    encoder = load_encoder(params.entry, snakemake.input.get("weights"), params.device, params.precision)
    store = Path(params.vectors, name_store(encoder.provenance))
    embedded = embed_images(encoder, pixels, store, params.batch_size, snakemake.threads)
    record = {"images": len(pixels), "embedded": embedded, "store": store.name, "provenance": encoder.provenance}
    with whole_file(snakemake.output.record) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
