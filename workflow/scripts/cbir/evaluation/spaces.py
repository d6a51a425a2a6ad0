"""Embedding spaces: measures of their geometry as a tidy table, and a map in two dimensions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from cbir.datasets.manifest import LABEL_PARTS
from cbir.evaluation.levels import level_codes
from cbir.retrieval.neighbors import Neighbors

HUBNESS_K = 10  # neighbors counted for hubness, Radovanović et al. 2010
TWO_NN_DISCARDED = 0.1  # share of images that are left out, those with the largest ratio; Facco et al. 2017
PERPLEXITY = 30  # neighbors that an image is kept near, van der Maaten and Hinton 2008
MAP_COLUMNS = ["image_id", "split", *LABEL_PARTS]  # columns of the manifest that a map keeps


def describe_space(
    embeddings: np.ndarray,
    manifest: pd.DataFrame,
    index_rows: np.ndarray,
    neighbors: Neighbors,
    levels: Sequence[str],
    images: int,
    seed: int,
) -> pd.DataFrame:
    """Geometry of the embeddings of the index images, measured on a random sample that is the same for every model.

    embeddings: (n, d) float32 of unit norm, memory-mapped. manifest: needs modality, anatomic_region, label and
    patient_id. index_rows: (index images,) int manifest rows of the index in which `neighbors` were found. images: size
    of the sample, and the number of pairs for the alignment.

    Returns `metric, level, k, value, images`, one row per measure; images counts the images, pairs or queries that the
    value rests on. The measures are hubness (skewness of the k-occurrence), hubness_chance (the hubness of neighbors
    found at random), uniformity and intrinsic_dimension. At each level there are also alignment and silhouette
    (Rousseeuw 1987, cosine distance, 0 for an image alone with its label). NaN where the sample doesn't determine a
    measure.
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
    distance = np.maximum(1 - sample @ sample.T, 0)  # the distance of equal images may round to less than 0
    np.fill_diagonal(distance, 0)
    for level in levels:
        codes = level_codes(manifest, level)
        pairs = sample_pairs(codes[index_rows], patients, images, generator)
        first, second = (np.asarray(embeddings[index_rows[side]], np.float64) for side in pairs)
        table.append(("alignment", level, pd.NA, measure_alignment(first, second), len(first)))
        table.append(("silhouette", level, pd.NA, _silhouette(distance, codes[rows]), len(rows)))
    return pd.DataFrame(table, columns=["metric", "level", "k", "value", "images"]).astype({"k": "Int64"})


def count_occurrences(neighbor: np.ndarray, index_rows: np.ndarray) -> np.ndarray:
    """How often each index image is among the queries' neighbors, N_k.

    neighbor: (queries, k) int manifest rows, -1 for none. index_rows: (index images,) int manifest rows. Returns (index
    images,) int. Radovanović et al. 2010, "Hubs in Space", section 2.

    >>> count_occurrences(np.array([[5, 2], [5, 7]]), np.array([2, 5, 7, 9]))
    array([1, 2, 1, 0])
    """
    found = neighbor[neighbor >= 0]
    return np.bincount(found, minlength=index_rows.max() + 1)[index_rows]


def measure_hubness(occurrences: np.ndarray) -> float:
    """Skewness of the k-occurrence, E(N - mean)^3 / std^3; NaN if all are equal. Radovanović et al. 2010, section 2.

    >>> round(measure_hubness(np.array([0, 0, 0, 4])), 3)
    1.155
    """
    from scipy.stats import skew

    return float(skew(occurrences)) if np.ptp(occurrences) else np.nan


def hubness_by_chance(queries: int, k: int, images: int) -> float:
    """Skewness of the k-occurrence when every query finds k images at random: that of a binomial distribution.

    It is not 0, and the larger the fewer queries there are per image. Measured hubness should be compared with it.
    NaN where k is the number of images.

    >>> hubness_by_chance(queries=400, k=10, images=3000).round(2)
    np.float64(0.86)
    """
    share = k / images
    return (1 - 2 * share) / np.sqrt(queries * share * (1 - share)) if share < 1 else np.nan


def measure_uniformity(sample: np.ndarray) -> float:
    """Log of the mean of exp(-2 |x - y|^2) over all pairs of a sample.

    sample: (n, d) float64 of unit norm. The lower the value, the more evenly the images spread over the sphere. NaN for
    a single image. Wang and Isola 2020, section 4.1, t = 2.

    >>> measure_uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    -8.0
    """
    if len(sample) < 2:
        return np.nan
    potential = np.exp(4 * (sample @ sample.T - 1))  # |x - y|^2 = 2 - 2 x·y
    np.fill_diagonal(potential, 0)
    return float(np.log(potential.sum() / (len(sample) * (len(sample) - 1))))


def measure_alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Mean squared distance of positive pairs, those of images that belong together; NaN where there is none.

    first, second: (pairs, d) float64. The lower the value, the closer the images of a pair. Wang and Isola 2020,
    section 4.1, alpha = 2.

    >>> measure_alignment(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    2.0
    """
    return float(np.square(first - second).sum(axis=1).mean()) if len(first) else np.nan


def sample_pairs(
    codes: np.ndarray, patients: np.ndarray, number: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs of images with the same label and different patients.

    codes, patients: (images,) int. Every image is equally likely to be the first of a pair, and every image of its
    label is equally likely to be the second. Pairs of one patient are left out, so there may be fewer than `number`.
    Returns the positions of the first and of the second images, (pairs,) each.

    >>> first, second = sample_pairs(np.array([0, 0, 1]), np.array([0, 1, 2]), 5, np.random.default_rng(0))
    >>> set(first) | set(second) <= {0, 1}  # the label 1 has no second patient
    True
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    first = generator.integers(len(codes), size=number)
    second = order[starts[codes[first]] + generator.integers(sizes[codes[first]])]
    apart = patients[first] != patients[second]
    return first[apart], second[apart]


def estimate_dimension(sample: np.ndarray) -> float:
    """Intrinsic dimension of a sample from the two nearest neighbors of its images; NaN below ten images.

    sample: (n, d) float64; images that are equal count once. Let mu be the distance of an image's second neighbor
    divided by that of its first, and F its distribution. Then -log(1 - F(mu)) is the dimension times log(mu). The slope
    is fitted through the origin, without the tenth of the images with the largest mu. Facco et al. 2017, "Estimating
    the intrinsic dimension of datasets by a minimal neighborhood information".

    >>> square = np.random.default_rng(0).random((500, 2))
    >>> round(estimate_dimension(np.column_stack([square, np.zeros((500, 3))])))
    2
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
    """Mean silhouette of images; NaN for a single label and where every image has a label of its own.

    distance: (n, n) float64. codes: (n,) int.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(codes)) < len(codes):
        return np.nan
    return float(silhouette_score(distance, codes, metric="precomputed"))


def map_embeddings(embeddings: np.ndarray, manifest: pd.DataFrame, images: int, seed: int) -> pd.DataFrame:
    """A t-SNE map, by cosine distance, of random images that are the same for every model.

    embeddings: (n, d) float32 of unit norm, memory-mapped. manifest: needs MAP_COLUMNS. images: how many images are
    drawn; all where there are fewer. Returns MAP_COLUMNS and the places `x, y`, one row per image in the order of the
    manifest. It runs on one thread, because t-SNE magnifies the last bits, which depend on the order of a sum.
    """
    from sklearn.manifold import TSNE

    rows = np.random.default_rng(seed).choice(len(embeddings), min(images, len(embeddings)), replace=False)
    rows.sort()
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    tsne = TSNE(metric="cosine", perplexity=perplexity, random_state=seed, n_jobs=1)
    with threadpool_limits(1):
        places = tsne.fit_transform(embeddings[rows])
    return manifest[MAP_COLUMNS].iloc[rows].reset_index(drop=True).assign(x=places[:, 0], y=places[:, 1])
