"""Make the synthetic images of a phantom dataset, with their table."""

from pathlib import Path

from cbir.datasets.phantoms import make_phantoms
from cbir.runs.job import job

with job(snakemake):
    make_phantoms(
        Path(snakemake.output.folder), snakemake.params.patients, snakemake.params.seed, threads=snakemake.threads
    )
