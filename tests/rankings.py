"""Rankings for tests, given by which ranks hold a hit."""

import numpy as np

from cbir.evaluation.hits import Hits, mark_hits


def hits_of(hit, available, known=None) -> Hits:
    """Hits of queries with label 0, whose other neighbors have label 1; hit: (queries, depth), 1 for a hit."""
    hit = np.asarray(hit, bool)
    return mark_hits(np.where(hit, 0, 1), np.zeros(len(hit), int), np.asarray(available), known)
