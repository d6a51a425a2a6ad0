"""Unite the manifests and inspections of several datasets; their splits stand."""

import pandas as pd

from cbir.datasets.hygiene import take_as_readable
from cbir.datasets.manifest import read_manifest, write_manifest
from cbir.datasets.union import unite_inspections, unite_manifests
from cbir.runs.job import job

with job(snakemake):
    members = snakemake.params.members
    manifests = dict(zip(members, map(read_manifest, snakemake.input.manifests), strict=True))
    united = unite_manifests(snakemake.wildcards.dataset, manifests)
    write_manifest(united, snakemake.output.manifest)
    pd.DataFrame({"reason": [], "images": []}).to_csv(snakemake.output.left_out, index=False)
    inspections = dict(zip(members, map(pd.read_parquet, snakemake.input.inspections), strict=False))
    inspection = unite_inspections(united, inspections) if inspections else take_as_readable(united)
    inspection.to_parquet(snakemake.output.inspection, index=False)
