"""Join the inspections of a dataset's shards in the order of the manifest, and list its distinct images."""

from cbir.datasets.fingerprints import read_fingerprints, write_fingerprints
from cbir.datasets.manifest import read_manifest
from cbir.datasets.pixels import distinct_pixels
from cbir.datasets.trees import write_states
from cbir.runs.job import job
from cbir.tidy import gather_tables, write_table

with job(snakemake):
    inspection = gather_tables(snakemake.input.inspections)
    manifest = read_manifest(snakemake.input.manifest, columns=["image_id", "path", "frame"])
    write_fingerprints(read_fingerprints(snakemake.input.fingerprints), snakemake.output.fingerprints)
    write_table(distinct_pixels(manifest, inspection), snakemake.output.pixels)
    states = dict(zip(inspection["path"], inspection["file_state"], strict=True))
    write_states(states, snakemake.output.states, inspection.loc[~inspection["readable"], "path"])
    write_table(inspection, snakemake.output.inspection)
