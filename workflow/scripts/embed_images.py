"""Join the embeddings of a dataset's shards; row i is the manifest's row i."""

import shutil

from cbir.embeddings import join_shards
from cbir.jobs import job

with job(snakemake):
    join_shards(snakemake.input.shards, snakemake.output.embeddings)
    shutil.copyfile(snakemake.input.provenance[0], snakemake.output.provenance)
