"""Write the embeddings of a dataset, row i for row i of the manifest, from the model's vector store."""

import json

from cbir.datasets.manifest import read_manifest
from cbir.datasets.pixels import pixel_hashes
from cbir.embeddings.files import save_norms
from cbir.embeddings.vectors import join_embeddings
from cbir.files import whole_file
from cbir.runs.job import job
from cbir.tidy import label_rows, read_table, write_table

with job(snakemake):
    given, output, wildcards = snakemake.input, snakemake.output, snakemake.wildcards
    hashes = pixel_hashes(read_manifest(given.manifest, columns=["image_id"]), read_table(given.inspection))
    provenance, cost, norms = join_embeddings(hashes, given.records, snakemake.params.vectors, output.embeddings)
    save_norms(norms, output.norms)
    with whole_file(output.provenance) as partial:
        partial.write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")
    write_table(label_rows(cost, dataset=wildcards.dataset, model=wildcards.model), output.cost)
