"""Speed of the exact search compared with bare faiss, and its peak memory, at several sizes of the index.

    .venv/bin/python benchmarks/search.py [--small] [--similarity euclidean] [--threads 2] [--rounds 3]
        [--folder /scratch]

Bare faiss is the search of IndexFlatIP, or IndexFlatL2, on the same vectors and queries. It runs in turns with cbir's
`search` in one process, so the ratios include all that `search` does in addition. For memory, each step of the rules
build_index and search_index runs in a process of its own. The vectors are in clusters, with cosines like those of image
encoders.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import faiss
import numpy as np
from measuring import peak_memory, seconds, start_case

from cbir.embeddings.files import create_embeddings, open_embeddings, open_norms, save_norms
from cbir.retrieval.indexes import build_index, copy_rows, read_index, write_index
from cbir.retrieval.neighbors import save_neighbors
from cbir.retrieval.search import search

DIMENSIONS, QUERIES, K, CLUSTERS = 512, 2000, 100, 200
BLOCK = 50_000  # vectors generated at a time
ENGINES = {"cosine": ("faiss", "blocked"), "euclidean": ("faiss",)}


def make_embeddings(path: Path, images: int) -> None:
    """Write unit vectors (images, DIMENSIONS) around cluster centers; their variance falls over the dimensions.

    The norms that they had before are written to norms.npy beside them.
    """
    norms = np.empty(images, np.float32)
    generator = np.random.default_rng(0)
    scale = np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.7
    center = generator.standard_normal(DIMENSIONS, dtype=np.float32) * 3 * scale.mean()
    centers = center + scale * generator.standard_normal((CLUSTERS, DIMENSIONS), dtype=np.float32)
    with create_embeddings(path, images, DIMENSIONS) as embeddings:
        for start in range(0, images, BLOCK):
            block = embeddings[start : start + BLOCK]
            block[:] = generator.standard_normal(block.shape, dtype=np.float32) * scale
            block += centers[generator.integers(0, CLUSTERS, len(block))]
            norms[start : start + BLOCK] = np.linalg.norm(block, axis=1)
            block /= norms[start : start + BLOCK, None]
    save_norms(norms, path.with_name("norms.npy"))


def measure_speed(
    embeddings: np.ndarray, norms: np.ndarray | None, images: int, threads: int, rounds: int
) -> dict[str, float]:
    """Queries per second of bare faiss, and how many times as many each engine answers: medians over rounds."""
    index = build_index(embeddings, np.arange(images), "Flat", 1, 0, norms)
    query_rows = np.arange(len(embeddings) - QUERIES, len(embeddings))
    queries = copy_rows(embeddings, query_rows, norms)
    engines = ENGINES["cosine" if norms is None else "euclidean"]
    faiss.omp_set_num_threads(threads)
    bare = []
    ratios: dict[str, list[float]] = {engine: [] for engine in engines}
    found = {}
    search(index, embeddings, query_rows[:8], K, threads=threads, engine="blocked", norms=norms)  # imports torch
    for _ in range(rounds):
        for engine in engines:
            bare.append(seconds(lambda: index.index.search(queries, K)))
            start = time.perf_counter()
            found[engine] = search(index, embeddings, query_rows, K, threads=threads, engine=engine, norms=norms)
            ratios[engine].append(bare[-1] / (time.perf_counter() - start))
    if not all(np.array_equal(found["faiss"].neighbor, other.neighbor) for other in found.values()):
        raise AssertionError("the engines differ")
    return {"bare": QUERIES / median(bare)} | {engine: median(ratios[engine]) for engine in engines}


def build(embeddings: np.ndarray, norms: np.ndarray | None, images: int, threads: int, path: Path) -> None:
    """Do the same as the rule build_index."""
    write_index(build_index(embeddings, np.arange(images), "Flat", threads, 0, norms), path)


def find(embeddings: np.ndarray, norms: np.ndarray | None, threads: int, path: Path, engine: str) -> None:
    """Do the same as the rule search_index."""
    query_rows = np.arange(len(embeddings) - QUERIES, len(embeddings))
    index = read_index(path, embeddings, norms)
    found = search(index, embeddings, query_rows, K, threads=threads, engine=engine, norms=norms)
    save_neighbors(found, path.with_suffix(".npz"))


def run_case(case: str, similarity: str, folder: Path, images: int, threads: int, rounds: int) -> dict[str, float]:
    """Run one case in this process. Returns its numbers and the peak memory of this process in bytes."""
    embeddings, path = open_embeddings(folder / "embeddings.npy"), folder / f"{images}.faiss"
    norms = open_norms(folder / "norms.npy") if similarity == "euclidean" else None
    result = {}
    if case == "speed":
        result = measure_speed(embeddings, norms, images, threads, rounds)
    elif case == "build":
        build(embeddings, norms, images, threads, path)
    else:
        find(embeddings, norms, threads, path, case)
    return result | {"peak": peak_memory()}


def main() -> None:
    """Print a table of speeds and a table of peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="25,000 to 100,000 vectors: a minute")
    parser.add_argument("--similarity", choices=ENGINES, default="cosine")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="folder for 7 GB of vectors and indexes; a temporary folder by default"
    )
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--images", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        chosen = (options.case, options.similarity, options.folder, options.images, options.threads, options.rounds)
        print(json.dumps(run_case(*chosen)))
        return
    engines = ENGINES[options.similarity]
    sizes = [25_000, 50_000, 100_000] if options.small else [100_000, 125_000, 250_000, 500_000, 1_000_000]
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        common = {"folder": folder, "threads": options.threads, "rounds": options.rounds}
        common["similarity"] = options.similarity
        make_embeddings(folder / "embeddings.npy", max(sizes) + QUERIES)
        print(
            f"{options.similarity}: {QUERIES} queries, {DIMENSIONS} dimensions, k = {K}, {options.threads} threads, "
            f"{options.rounds} rounds"
        )
        print(f"{'vectors':>9} {'bare faiss':>12} " + " ".join(f"{engine:>8}" for engine in engines))
        for images in sizes:
            speed = start_case(case="speed", images=images, **common)
            ratios = " ".join(f"{speed[engine]:7.2f}x" for engine in engines)
            print(f"{images:>9,} {speed['bare']:>8.0f} q/s {ratios}", flush=True)
        print(f"\n{'vectors':>9} {'index MB':>9} {'build':>14} " + " ".join(f"{'search ' + e:>22}" for e in engines))
        for images in sizes:
            size = images * DIMENSIONS * 4
            peaks = [start_case(case=case, images=images, **common)["peak"] for case in ("build", *engines)]
            shares = " ".join(f"{peak / 1e6:>8.0f} MB {peak / size:4.2f}x" for peak in peaks)
            print(f"{images:>9,} {size / 1e6:>9.0f} {shares}", flush=True)
            (folder / f"{images}.faiss").unlink()


if __name__ == "__main__":
    main()
