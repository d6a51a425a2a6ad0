"""Draw queries with their nearest images."""

from cbir.figures.gallery import draw_gallery
from cbir.figures.style import save_figure
from cbir.images import read_image
from cbir.jobs import job
from cbir.manifest import read_manifest
from cbir.neighbors import load_neighbors

with job(snakemake):
    manifest = read_manifest(snakemake.input.manifest)
    neighbors = load_neighbors(snakemake.input.neighbors[0], images=len(manifest))
    save_figure(draw_gallery(neighbors, manifest, read_image), snakemake.output.pdf, snakemake.output.png)
