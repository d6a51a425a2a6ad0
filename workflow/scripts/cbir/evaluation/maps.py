"""Maps: embeddings laid out in two dimensions."""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

PERPLEXITY = 30  # neighbors that an image is held by, van der Maaten and Hinton 2008


def map_embeddings(embeddings: np.ndarray, images: int, seed: int) -> pd.DataFrame:
    """A t-SNE map, by cosine distance, of images drawn at random, the same for every model.

    embeddings: (n, d) float32 of unit norm, memory-mapped. images: how many are drawn, all where there are no more.
    Returns `row, x, y`: the manifest rows, ascending, and their places. One thread works on it, since t-SNE magnifies
    what the order of a sum changes in the last bits.
    """
    from sklearn.manifold import TSNE

    rows = np.random.default_rng(seed).choice(len(embeddings), min(images, len(embeddings)), replace=False)
    rows.sort()
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    with threadpool_limits(1):
        places = TSNE(metric="cosine", perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(
            embeddings[rows]
        )
    return pd.DataFrame({"row": rows, "x": places[:, 0], "y": places[:, 1]})
