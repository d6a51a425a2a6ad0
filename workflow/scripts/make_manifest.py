"""Make the manifest of a dataset, one row per image, from its publisher's label files."""

import pandas as pd

from cbir.datasets.manifest import complete_manifest, write_manifest
from cbir.datasets.pseudonyms import hash_patients, read_key
from cbir.datasets.sources import find_source
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    dataset, options, output = snakemake.wildcards.dataset, snakemake.params.options, snakemake.output
    images = find_source(options["source"])(dataset, options)
    left_out = images.attrs.get("left_out", {})
    manifest = complete_manifest(images, dataset)
    if options["hash_patients"]:
        manifest = hash_patients(manifest, read_key(options["patient_key"]))
    write_table(pd.DataFrame(left_out.items(), columns=["reason", "images"]), output.left_out)
    write_manifest(manifest, output.manifest)
