from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp0f1
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from cbir.evaluation.spaces import (
    count_occurrences,
    describe_space,
    estimate_dimension,
    hubness_by_chance,
    map_embeddings,
    measure_alignment,
    measure_hubness,
    measure_uniformity,
    sample_pairs,
)

LEVELS = ["modality", "anatomic_region", "pathology"]


def sphere(images, dimensions, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(images, dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(vectors, query, index, k):
    return index[np.argsort(-vectors[query] @ vectors[index].T, axis=1)[:, :k]]


def test_occurrences_count_the_queries_that_find_an_image():
    neighbor = np.array([[5, 2], [5, 7], [5, -1]])
    assert count_occurrences(neighbor, np.array([2, 3, 5, 7, 9])).tolist() == [1, 0, 3, 1, 0]


def test_hubness_is_the_skewness_of_the_occurrences():
    assert measure_hubness(np.array([0, 0, 0, 4])) == pytest.approx(2 / 3**0.5)  # mean 1, moments 3 and 6: 6 / 3^1.5
    assert measure_hubness(np.array([1, 2, 3])) == pytest.approx(0)
    assert np.isnan(measure_hubness(np.array([2, 2])))


def test_hubness_by_chance_equals_that_of_random_neighbors():
    generator = np.random.default_rng(0)
    neighbor = np.argsort(generator.random((400, 3000)), axis=1)[:, :10]
    found = measure_hubness(count_occurrences(neighbor, np.arange(3000)))
    assert found == pytest.approx(hubness_by_chance(400, 10, 3000), abs=0.1)
    assert np.isnan(hubness_by_chance(400, 10, 10))


def test_gaussian_vectors_have_hubs_in_many_dimensions_and_almost_none_in_few():
    generator = np.random.default_rng(0)
    query, index = np.arange(1000), np.arange(1000, 2000)
    hubness = {}
    for dimensions in (3, 100):
        vectors = generator.normal(size=(2000, dimensions))
        distance = (vectors[index] ** 2).sum(axis=1) - 2 * vectors[query] @ vectors[index].T
        hubness[dimensions] = measure_hubness(count_occurrences(index[np.argsort(distance, axis=1)[:, :10]], index))
    assert abs(hubness[3]) < 1
    assert hubness[100] > 3


@pytest.mark.parametrize("dimensions", [2, 3, 16])
def test_uniformity_of_the_uniform_sphere_is_its_closed_form(dimensions):
    # the mean of exp(kappa x·y) over the sphere, Mardia and Jupp 2000, "Directional Statistics", section 9.3.2
    expected = np.log(hyp0f1(dimensions / 2, 4)) - 4
    assert measure_uniformity(sphere(3000, dimensions)) == pytest.approx(expected, abs=0.02)


def test_uniformity_by_hand():
    assert measure_uniformity(np.array([[1.0, 0], [1, 0], [1, 0]])) == pytest.approx(0)
    assert measure_uniformity(np.array([[1.0, 0], [-1, 0]])) == pytest.approx(-8)
    assert np.isnan(measure_uniformity(np.array([[1.0, 0]])))


def test_alignment_by_hand_and_of_unrelated_pairs():
    assert measure_alignment(np.array([[1.0, 0], [1, 0]]), np.array([[0.0, 1], [1, 0]])) == pytest.approx(1)
    assert measure_alignment(sphere(5000, 8, 1), sphere(5000, 8, 2)) == pytest.approx(2, abs=0.03)
    assert np.isnan(measure_alignment(np.empty((0, 3)), np.empty((0, 3))))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_pairs_share_their_label_and_not_their_patient(seed):
    generator = np.random.default_rng(seed)
    codes, patients = generator.integers(0, 5, 60) * 2, generator.integers(0, 12, 60)
    first, second = sample_pairs(codes, patients, 100, generator)
    assert (codes[first] == codes[second]).all()
    assert (patients[first] != patients[second]).all()


def test_all_pairs_of_a_label_are_equally_frequent():
    first, second = sample_pairs(np.array([0, 0, 0, 3]), np.array([0, 1, 2, 3]), 90_000, np.random.default_rng(0))
    pairs, counts = np.unique(np.stack([first, second]), axis=1, return_counts=True)
    assert pairs.T.tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    assert counts == pytest.approx(7500, rel=0.05)  # a third of the 90,000 / 4 draws of each first image


@pytest.mark.parametrize("dimension", [1, 2, 5, 9])
def test_the_dimension_of_a_sphere_is_found_whatever_space_it_lies_in(dimension):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(30, 30)))[0]
    vectors = np.zeros((3000, 30))
    vectors[:, : dimension + 1] = sphere(3000, dimension + 1)
    assert estimate_dimension(vectors @ turn) == pytest.approx(dimension, rel=0.1)


def test_the_dimension_of_a_curve_is_1_and_repeated_images_count_once():
    angle = np.random.default_rng(0).uniform(0, 1, 2000)
    curve = np.stack([np.cos(angle), np.sin(angle), angle**2], axis=1)
    found = estimate_dimension(curve)
    assert found == pytest.approx(1, rel=0.06)
    assert estimate_dimension(np.concatenate([curve, curve[:700]])) == pytest.approx(found)
    assert np.isnan(estimate_dimension(curve[:9]))


def case(seed=0, images=400, dimensions=12):
    generator = np.random.default_rng(seed)
    parts = np.array(
        [("CT", "chest", "nodule"), ("CT", "chest", "normal"), ("CT", "head", "normal"), ("MR", "head", "tumour")]
    )
    code = generator.integers(0, len(parts), images)
    manifest = pd.DataFrame(parts[code], columns=LEVELS)
    manifest["label"] = manifest[LEVELS].agg("/".join, axis=1)
    manifest["patient_id"] = [f"p{patient}" for patient in generator.integers(0, images // 3, images)]
    vectors = sphere(4, dimensions, seed)[code] + 0.2 * generator.normal(size=(images, dimensions))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = np.sort(generator.choice(images, images * 3 // 4, replace=False))
    query = np.setdiff1d(np.arange(images), index)
    return vectors, manifest, index, SimpleNamespace(query=query, neighbor=nearest(vectors, query, index, 20))


def describe(images=1000, seed=0, levels=LEVELS, of=None):
    return describe_space(*(of or case()), levels, images, seed)


def test_the_table_has_one_row_per_measure_and_level():
    table = describe()
    assert list(table) == ["metric", "level", "k", "value", "images"]
    whole = ["hubness", "hubness_chance", "uniformity", "intrinsic_dimension"]
    expected = [(metric, "") for metric in whole]
    expected += [(metric, level) for level in LEVELS for metric in ("alignment", "silhouette")]
    assert list(zip(table["metric"], table["level"], strict=True)) == expected
    assert table["k"].tolist()[:2] == [10, 10]
    assert table["k"][2:].isna().all()
    assert table["value"].notna().all()


def test_silhouette_equals_that_of_scikit_learn_with_the_cosine_distance():
    vectors, manifest, index, _ = case()
    table = describe().set_index(["metric", "level"])
    for level, columns in (("modality", ["modality"]), ("anatomic_region", LEVELS[:2]), ("pathology", ["label"])):
        labels = manifest[columns].agg("/".join, axis=1)[index]
        expected = silhouette_score(vectors[index].astype(float), labels, metric="cosine")
        assert table.loc[("silhouette", level), "value"] == pytest.approx(expected, abs=1e-6)
        assert table.loc[("silhouette", level), "images"] == len(index)


def test_repeated_images_are_measured():
    vectors, manifest, index, neighbors = case()
    vectors[index[1::2]] = vectors[index[::2]]
    assert describe(of=(vectors, manifest, index, neighbors))["value"].between(-4, 20).all()


def test_measures_rest_on_index_images_only_and_on_a_bounded_number_of_them():
    vectors, manifest, index, neighbors = case()
    table = describe(images=100)
    assert (table.loc[table["metric"].isin(["uniformity", "silhouette", "intrinsic_dimension"]), "images"] == 100).all()
    assert (table.loc[table["metric"] == "alignment", "images"] <= 100).all()
    assert (table.loc[table["metric"] == "hubness", "images"] == len(neighbors.query)).all()
    blank = vectors.copy()
    blank[neighbors.query] = np.nan
    pd.testing.assert_frame_equal(describe(images=100, of=(blank, manifest, index, neighbors)), table)


def test_two_models_are_measured_on_the_same_images():
    read = []

    class Recorded(np.ndarray):
        def __getitem__(self, rows):
            read.append(np.array(rows))
            return np.asarray(self)[rows]

    vectors, *rest = case()
    for dimensions in (12, 5):
        describe(images=100, of=(np.ascontiguousarray(vectors[:, :dimensions]).view(Recorded), *rest))
    half = len(read) // 2
    for first, second in zip(read[:half], read[half:], strict=True):
        np.testing.assert_array_equal(first, second)
    assert len(read[0]) == 100


def test_images_of_one_label_have_no_silhouette_and_of_one_patient_no_alignment():
    vectors, manifest, index, neighbors = case()
    alone = manifest.assign(modality="CT", patient_id="p")
    table = describe(of=(vectors, alone, index, neighbors), levels=["modality"]).set_index("metric")["value"]
    assert table[["alignment", "silhouette"]].isna().all()


@pytest.fixture(scope="module")
def clusters():
    """Three far apart clusters of 40 embeddings."""
    generator = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3, 16), 40, axis=0) + generator.normal(0, 0.05, (120, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def map_clusters(vectors, images, seed):
    manifest = pd.DataFrame({"image_id": [f"i{row:03}" for row in range(len(vectors))], "split": "train", "report": ""})
    manifest = manifest.assign(modality="CT", anatomic_region=np.arange(len(vectors)) // 40, pathology="normal")
    return map_embeddings(vectors, manifest, images, seed)


def test_images_of_a_cluster_are_near_each_other_on_the_map(clusters):
    places = map_clusters(clusters, 1000, seed=0)
    assert places["image_id"].tolist() == [f"i{row:03}" for row in range(120)]
    points = places[["x", "y"]].to_numpy().reshape(3, 40, 2)
    centers = points.mean(axis=1)
    nearest = np.linalg.norm(points[:, :, None] - centers, axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(3)[:, None]).all()


def test_a_map_is_the_same_on_any_number_of_threads(clusters):
    first = map_clusters(clusters, 60, seed=1)
    with threadpool_limits(1):
        second = map_clusters(clusters, 60, seed=1)
    assert first.equals(second)


def test_a_sample_is_the_same_for_every_model_and_bounded(clusters):
    one, other = map_clusters(clusters, 50, seed=2), map_clusters(clusters[:, ::-1] * -1, 50, seed=2)
    assert len(one) == 50
    assert one["image_id"].tolist() == other["image_id"].tolist()
    assert one["image_id"].is_monotonic_increasing


def test_a_map_can_be_made_of_three_images(clusters):
    assert np.isfinite(map_clusters(clusters[:3], 10, seed=0)[["x", "y"]]).all(axis=None)


def test_a_map_keeps_what_the_images_show(clusters):
    places = map_clusters(clusters, 60, seed=1)
    assert list(places) == ["image_id", "split", "modality", "anatomic_region", "pathology", "x", "y"]
    assert (places["anatomic_region"] == places["image_id"].str[1:].astype(int) // 40).all()
