"""Fetch a file of a model, its weights or a part of its tokenizer, from where it is published."""

from pathlib import Path

from cbir.encoders.weights import fetch_file
from cbir.runs.job import job

with job(snakemake):
    fetch_file(snakemake.params.source, Path(snakemake.output[0]))
