"""Embedding spaces: figures of their geometry, as a tidy table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cbir.evaluation.levels import label_codes
from cbir.retrieval.neighbors import Neighbors

HUBNESS_K = 10  # Radovanović et al. 2010
TWO_NN_DISCARDED = 0.1  # the share of images with the greatest ratio, Facco et al. 2017


def describe_space(
    embeddings: np.ndarray,
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    neighbors: Neighbors,
    levels: Sequence[str],
    images: int,
    seed: int,
) -> pd.DataFrame:
    """Geometry of the embeddings of the index images, from a random sample of them that is the same for every model.

    embeddings: (n, d) float32 of unit norm, memory-mapped. manifest: needs modality, anatomic_region, label and
    patient_id. index_rows: (index images,) int, of the index in which `neighbors` were found. images: the sample's
    size, and the number of pairs for the alignment.

    Returns `metric, level, k, value, images`, the last the images (or pairs, or queries) that a value rests on:
    hubness (k-occurrence skewness) and hubness_chance, that of neighbors found at random; uniformity;
    intrinsic_dimension; at each level alignment and silhouette (Rousseeuw 1987, cosine distance, 0 for an image alone
    with its label). NaN where the sample doesn't determine a figure.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.choice(index_rows, min(images, len(index_rows)), replace=False))
    sample = np.asarray(embeddings[rows], np.float64)
    k = min(HUBNESS_K, neighbors.neighbor.shape[1])
    occurrences = count_occurrences(neighbors.neighbor[:, :k], index_rows)
    queries = len(neighbors.query)
    table = [
        ("hubness", "", k, measure_hubness(occurrences), queries),
        ("hubness_chance", "", k, hubness_by_chance(queries, k, len(index_rows)), queries),
        ("uniformity", "", pd.NA, measure_uniformity(sample), len(sample)),
        ("intrinsic_dimension", "", pd.NA, estimate_dimension(sample), len(sample)),
    ]
    patients = pd.factorize(manifest["patient_id"].iloc[index_rows])[0]
    distance = np.maximum(1 - sample @ sample.T, 0)  # of equal images it may round to less
    np.fill_diagonal(distance, 0)
    for level in levels:
        codes = label_codes(manifest, level)
        pairs = sample_pairs(codes[index_rows], patients, images, generator)
        first, second = (np.asarray(embeddings[index_rows[side]], np.float64) for side in pairs)
        table.append(("alignment", level, pd.NA, measure_alignment(first, second), len(first)))
        table.append(("silhouette", level, pd.NA, _silhouette(distance, codes[rows]), len(rows)))
    return pd.DataFrame(table, columns=["metric", "level", "k", "value", "images"]).astype({"k": "Int64"})


def count_occurrences(neighbor: np.ndarray, index_rows: np.ndarray) -> np.ndarray:
    """How often each index image is among the queries' neighbors, N_k.

    neighbor: (queries, k) int manifest rows, -1 for none. Returns (index images,) int. Radovanović et al. 2010,
    "Hubs in Space", section 2.
    """
    found = neighbor[neighbor >= 0]
    return np.bincount(found, minlength=index_rows.max() + 1)[index_rows]


def measure_hubness(occurrences: np.ndarray) -> float:
    """Skewness of the k-occurrence, E(N - mean)^3 / std^3; NaN if all are equal. Radovanović et al. 2010, section 2."""
    from scipy.stats import skew

    return float(skew(occurrences)) if np.ptp(occurrences) else np.nan


def hubness_by_chance(queries: int, k: int, images: int) -> float:
    """The skewness of a k-occurrence that is binomial: every query finds k of the images, whichever, alike likely.

    It isn't 0, and the greater the fewer the queries are to an image: measured hubness is to be held against it.
    """
    share = k / images
    return (1 - 2 * share) / np.sqrt(queries * share * (1 - share)) if share < 1 else np.nan


def measure_uniformity(sample: np.ndarray) -> float:
    """Log of the mean of exp(-2 |x - y|^2) over all pairs of a sample, (n, d) float64 of unit norm.

    The lower, the more evenly the images spread over the sphere. Wang and Isola 2020, section 4.1, t = 2.
    """
    if len(sample) < 2:
        return np.nan
    potential = np.exp(4 * (sample @ sample.T - 1))  # |x - y|^2 = 2 - 2 x·y
    np.fill_diagonal(potential, 0)
    return float(np.log(potential.sum() / (len(sample) * (len(sample) - 1))))


def measure_alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Mean squared distance of positive pairs, (pairs, d) float64 each; NaN where there is none.

    The lower, the closer are images that belong together. Wang and Isola 2020, section 4.1, alpha = 2.
    """
    return float(np.square(first - second).sum(axis=1).mean()) if len(first) else np.nan


def sample_pairs(
    codes: np.ndarray, patients: np.ndarray, number: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs of images of one label and two patients: positions of the first and of the second, (pairs,) each.

    codes, patients: (images,) int. The first is any image alike likely, the second any of its label; pairs of one
    patient are left out, so that there may be fewer than `number`.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    first = generator.integers(len(codes), size=number)
    second = order[starts[codes[first]] + generator.integers(sizes[codes[first]])]
    apart = patients[first] != patients[second]
    return first[apart], second[apart]


def estimate_dimension(sample: np.ndarray) -> float:
    """The intrinsic dimension of a sample, (n, d) float64, by its two nearest neighbors; NaN below ten images.

    With mu the distance of an image's second neighbor over that of its first, -log(1 - F(mu)) is the dimension times
    log(mu); the slope is fitted through the origin without the tenth of the greatest mu. Images that are equal count
    once. Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal neighborhood information".
    """
    from sklearn.neighbors import NearestNeighbors

    distinct = np.unique(sample, axis=0)
    if len(distinct) < 10:
        return np.nan
    distance = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(distinct).kneighbors()[0]
    distance = distance[distance[:, 0] > 0]
    logs = np.sort(np.log(distance[:, 1] / distance[:, 0]))
    kept = int(len(logs) * (1 - TWO_NN_DISCARDED))
    logs, empirical = logs[:kept], np.arange(1, kept + 1) / len(logs)
    return float(-logs @ np.log1p(-empirical) / (logs @ logs))


def _silhouette(distance: np.ndarray, codes: np.ndarray) -> float:
    """Mean silhouette of images, (n, n) distances and (n,) labels; NaN where not 2 to n - 1 labels are there."""
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(codes)) < len(codes):
        return np.nan
    return float(silhouette_score(distance, codes, metric="precomputed"))
