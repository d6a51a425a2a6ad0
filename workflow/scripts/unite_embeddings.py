"""Take the embeddings of a union from those of its members; nothing is embedded again."""

from cbir.datasets.manifest import read_manifest
from cbir.embeddings.files import open_embeddings, open_norms, save_norms, unite_embeddings, unite_norms
from cbir.embeddings.union import member_rows
from cbir.runs.job import job

with job(snakemake):
    columns = ["image_id"]
    manifests = {
        member: read_manifest(path, columns)
        for member, path in zip(snakemake.params.members, snakemake.input.manifests, strict=True)
    }
    rows = member_rows(read_manifest(snakemake.input.manifest, columns), manifests)
    embeddings = [
        open_embeddings(path, rows=len(manifest))
        for path, manifest in zip(snakemake.input.embeddings, manifests.values(), strict=True)
    ]
    unite_embeddings(list(rows.values()), embeddings, snakemake.output.embeddings)
    norms = [
        open_norms(path, rows=len(manifest))
        for path, manifest in zip(snakemake.input.norms, manifests.values(), strict=True)
    ]
    save_norms(unite_norms(list(rows.values()), norms), snakemake.output.norms)
