"""Draw the images that an index of a given size holds, the same for every model."""

from cbir.datasets.manifest import read_manifest
from cbir.retrieval.index_rows import draw_generator, sample_rows, write_rows
from cbir.runs.job import job

with job(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    manifest = read_manifest(snakemake.input.manifest, columns=["label", "split"])
    label, split = manifest["label"].to_numpy(), manifest["split"].to_numpy()
    generator = draw_generator(params.seed, wildcards.dataset, int(wildcards.draw))
    write_rows(sample_rows(label, split, wildcards.size, generator, params.stratify), snakemake.output.rows)
