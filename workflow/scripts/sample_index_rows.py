"""Draw the images that an index of a given size holds, the same for every model."""

import numpy as np

from cbir.datasets.manifest import read_manifest
from cbir.retrieval.index_rows import draw_generator, sample_rows
from cbir.runs.job import job

with job(snakemake):
    wildcards = snakemake.wildcards
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    generator = draw_generator(snakemake.params.seed, wildcards.dataset, int(wildcards.draw))
    rows = sample_rows(
        manifest["label"].to_numpy(), manifest["split"].to_numpy(), wildcards.size, generator, snakemake.params.stratify
    )
    np.save(snakemake.output.rows, rows)
