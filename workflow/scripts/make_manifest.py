"""Make the manifest of a dataset, one row per image, from its publisher's label files."""

import pandas as pd

from cbir.datasets.manifest import complete_manifest, write_manifest
from cbir.datasets.patients import find_similar_patients, warn_of_similar_patients
from cbir.datasets.pseudonyms import hash_patients, read_key
from cbir.datasets.sources import find_source
from cbir.datasets.trees import list_tree, write_states
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    dataset, options, output = snakemake.wildcards.dataset, snakemake.params.options, snakemake.output
    files = list_tree(snakemake.params.tree) if snakemake.params.tree else {}  # before any of them is read
    images = find_source(options["source"])(dataset, options)
    left_out = images.attrs.get("left_out", {})
    manifest = complete_manifest(images, dataset)
    similar, is_hashed = find_similar_patients(manifest), options["hash_patients"]
    warn_of_similar_patients(similar, dataset, None if is_hashed else output.similar_patients)
    if is_hashed:
        manifest = hash_patients(manifest, read_key(options["patient_key"]))
    write_table(pd.DataFrame(left_out.items(), columns=["reason", "images"]), output.left_out)
    write_table(similar[:0] if is_hashed else similar, output.similar_patients)
    write_states(files, output.files)
    write_manifest(manifest, output.manifest)
