"""Score each label by itself: its precision, whether frequent labels do better, and what it is taken for."""

import numpy as np
import pandas as pd

from cbir.datasets.manifest import LABEL_PARTS, read_manifest
from cbir.evaluation.confusion import count_confusion
from cbir.evaluation.frequency import correlate_frequency, label_precision
from cbir.retrieval.neighbors import load_neighbors
from cbir.runs.job import job
from cbir.tidy import write_table

with job(snakemake):
    wildcards, params, output = snakemake.wildcards, snakemake.params, snakemake.output
    manifest = read_manifest(snakemake.input.manifest, columns=[*LABEL_PARTS, "label"])
    neighbors = load_neighbors(snakemake.input.neighbors[0], len(manifest))
    precision = label_precision(neighbors, manifest, np.load(snakemake.input.rows[0]), params.at)
    named = {"dataset": wildcards.dataset, "model": wildcards.model, "index": params.index, "index_size": params.size}
    for table, path in (
        (precision, output.precision),
        (correlate_frequency(precision), output.frequency),
        (count_confusion(neighbors, manifest), output.confusion),
    ):
        write_table(pd.DataFrame(named, index=table.index).join(table), path)
