"""Time and peak memory of scoring, with its chance levels and intervals, at the sizes of the study.

    .venv/bin/python benchmarks/score.py [--small]

The manifest and the neighbors are made up and held in memory: 185 labels of uneven frequency in 4 modalities with 16
regions, about three images per patient, and a ranking in which half of the neighbors tend to have the query's label.
"""

import multiprocessing
import sys
import time

import numpy as np
import pandas as pd
from measuring import peak_memory

from cbir.evaluation.levels import LEVELS
from cbir.evaluation.retrieval import score_retrieval
from cbir.retrieval.neighbors import Neighbors

SIZES = [(40_000, 8_000), (400_000, 53_000), (1_500_000, 200_000)]  # index images, queries
DEPTH = 100
AT = [1, 3, 5, 10]
LABELS = 185


def make_case(images: int, queries: int) -> tuple[Neighbors, pd.DataFrame, np.ndarray]:
    """Neighbors of `queries` images in an index of `images` others, the manifest, and the rows of the index."""
    generator = np.random.default_rng(0)
    rows = images + queries
    label = np.sort(generator.choice(LABELS, rows, p=generator.dirichlet(np.full(LABELS, 0.5))))
    region = np.arange(LABELS) * 16 // LABELS
    place = generator.permutation(rows)
    names = {"modality": region // 4, "anatomic_region": region, "pathology": np.arange(LABELS)}
    manifest = pd.DataFrame({name: code[label].astype(str) for name, code in names.items()}, dtype="str")
    manifest["label"] = manifest["modality"] + "/" + manifest["anatomic_region"] + "/" + manifest["pathology"]
    manifest["patient_id"] = pd.Series(generator.integers(0, rows // 3, rows).astype(str), dtype="str")
    is_query = np.zeros(rows, bool)
    is_query[place[:queries]] = True
    query, index_rows = np.flatnonzero(is_query), np.flatnonzero(~is_query)
    near = np.searchsorted(index_rows, query)[:, None] + generator.integers(-100, 100, (queries, DEPTH))
    far = generator.integers(0, images, (queries, DEPTH))
    chosen = np.where(generator.random((queries, DEPTH)) < 0.5, np.clip(near, 0, images - 1), far)
    return Neighbors(query, index_rows[chosen], np.zeros((queries, DEPTH), np.float32)), manifest, index_rows


def measure(size: tuple[int, int]) -> None:
    """Print the time and memory of scoring a case of this size, given as index images and queries."""
    neighbors, manifest, index_rows = make_case(*size)
    held = peak_memory()
    start, start_of_cpu = time.perf_counter(), time.process_time()
    score_retrieval(neighbors, manifest, index_rows, list(LEVELS), AT)
    taken, of_cpu = time.perf_counter() - start, time.process_time() - start_of_cpu
    print(
        f"{size[0]:>9,} index images {size[1]:>7,} queries: {taken:6.2f} s ({of_cpu:5.2f} of CPU); "
        f"peak {peak_memory() / 2**30:.2f} GiB, {held / 2**30:.2f} of it the case itself",
        flush=True,
    )


if __name__ == "__main__":
    for size in SIZES[:1] if "--small" in sys.argv else SIZES:
        process = multiprocessing.get_context("spawn").Process(target=measure, args=[size])
        process.start()
        process.join()
