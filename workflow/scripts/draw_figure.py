"""Draw one figure of the report."""

from cbir.reporting.contents import read_source
from cbir.reporting.figures import find_figure
from cbir.reporting.figures.style import model_styles, save_figure
from cbir.runs.job import job

with job(snakemake):
    params = snakemake.params
    sources = [read_source(path, snakemake.wildcards.dataset, params.index) for path in snakemake.input]
    figure = find_figure(params.figure)(*sources, styles=model_styles(params.families))
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
