"""Make the manifest of a dataset: a row an image, from its publisher's label files."""

from pathlib import Path

import pandas as pd

from cbir.datasets.manifest import complete_manifest, write_manifest
from cbir.datasets.pseudonyms import hash_patients, read_key
from cbir.datasets.sources import SOURCES
from cbir.runs.job import job

with job(snakemake):
    dataset, options = snakemake.wildcards.dataset, dict(snakemake.params.options)
    if options["source"] == "phantoms":
        options |= {"root": str(snakemake.input[0]), "table": "images.csv", "check_files": True}
    images = SOURCES[options["source"]](dataset, options)
    left_out = images.attrs.get("left_out", {})
    manifest = complete_manifest(images, dataset)
    if options["hash_patients"]:
        manifest = hash_patients(manifest, read_key(options["patient_key"]))
    write_manifest(manifest, snakemake.output.manifest)
    Path(snakemake.output.images).write_text(f"{len(manifest)}\n")
    pd.DataFrame(left_out.items(), columns=["reason", "images"]).to_csv(snakemake.output.left_out, index=False)
