"""Maps keep what is near near, and are the same whenever and on however many threads they are made."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cbir.evaluation.maps import map_embeddings


@pytest.fixture(scope="module")
def embeddings():
    """Three far apart clusters of 40 embeddings."""
    generator = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3, 16), 40, axis=0) + generator.normal(0, 0.05, (120, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def test_images_of_a_cluster_are_near_each_other_on_the_map(embeddings):
    places = map_embeddings(embeddings, 1000, seed=0)
    assert places["row"].tolist() == list(range(120))
    points = places[["x", "y"]].to_numpy().reshape(3, 40, 2)
    centers = points.mean(axis=1)
    nearest = np.linalg.norm(points[:, :, None] - centers, axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(3)[:, None]).all()


def test_a_map_is_the_same_on_any_number_of_threads(embeddings):
    first = map_embeddings(embeddings, 60, seed=1)
    with threadpool_limits(1):
        second = map_embeddings(embeddings, 60, seed=1)
    assert first.equals(second)


def test_a_sample_is_the_same_for_every_model_and_bounded(embeddings):
    one, other = map_embeddings(embeddings, 50, seed=2), map_embeddings(embeddings[:, ::-1] * -1, 50, seed=2)
    assert len(one) == 50
    assert one["row"].tolist() == other["row"].tolist()
    assert one["row"].is_monotonic_increasing


def test_few_images_have_a_map_too(embeddings):
    assert np.isfinite(map_embeddings(embeddings[:3], 10, seed=0)[["x", "y"]]).all(axis=None)
