"""Join the embeddings of a dataset's shards; row i is the manifest's row i."""

from pathlib import Path

from cbir.embeddings import join_shards
from cbir.jobs import job

with job(snakemake):
    join_shards([Path(shard) for shard in snakemake.input.shards], Path(snakemake.output.embeddings))
