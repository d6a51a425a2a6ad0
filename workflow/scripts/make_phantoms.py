"""Make the synthetic images of a phantom dataset, with their table."""

from pathlib import Path

from cbir.jobs import job
from cbir.phantoms import make_phantoms

with job(snakemake):
    make_phantoms(
        Path(snakemake.output.folder), snakemake.params.patients, snakemake.params.seed, threads=snakemake.threads
    )
