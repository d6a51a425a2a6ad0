"""Join the embeddings of a dataset's shards, row i being the manifest's row i, and add up what they took."""

import shutil

import pandas as pd

from cbir.embeddings.cost import add_costs
from cbir.embeddings.files import join_shards
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    wildcards = snakemake.wildcards
    join_shards(snakemake.input.shards, snakemake.output.embeddings)
    shutil.copyfile(snakemake.input.provenance[0], snakemake.output.provenance)
    cost = add_costs(pd.concat(map(pd.read_csv, snakemake.input.costs)))
    named = {"dataset": wildcards.dataset, "model": wildcards.model}
    write_table(pd.DataFrame(named, index=cost.index).join(cost), snakemake.output.cost)
