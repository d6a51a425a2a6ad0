"""Draw queries with their nearest images."""

from cbir.datasets.manifest import read_manifest
from cbir.images.reading import read_image
from cbir.reporting.figures.gallery import draw_gallery
from cbir.reporting.figures.style import save_figure
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job

with job(snakemake):
    manifest = read_manifest(snakemake.input.manifest)
    neighbors = load_neighbors(snakemake.input.neighbors[0], images=len(manifest))
    save_figure(draw_gallery(neighbors, manifest, read_image), snakemake.output.pdf, snakemake.output.png)
