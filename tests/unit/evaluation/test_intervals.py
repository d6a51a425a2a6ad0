import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cbir.evaluation.intervals import (
    MeanEstimate,
    count_labels_of_one_patient,
    estimate_mean,
    interval_of_means,
    mean_interval,
)


def interval(values, labels=None, patients=None):
    """The micro and the macro interval of one column; by default one label and one image per patient."""
    values = np.asarray(values, float)
    labels = np.zeros(len(values), int) if labels is None else labels
    patients = np.arange(len(values)) if patients is None else patients
    return {average: ends[:, 0] for average, ends in interval_of_means(values[:, None], labels, patients).items()}


def simulate(generator, truths, sets, correlation=0.3, images=3):
    """Data sets of patients with random numbers of images: values (queries, sets), 1 or 0, and patients (queries,).

    truths: (patients,) float, the probability of a 1. The ability of each patient varies around it.
    """
    number, spread = 1 + generator.poisson(images, len(truths)), 1 / correlation - 1
    truths = np.broadcast_to(truths[:, None], (len(truths), sets))
    ability = generator.beta(truths * spread, (1 - truths) * spread)
    patients = np.repeat(np.arange(len(truths)), number)
    return (generator.random((len(patients), sets)) < ability[patients]).astype(float), patients


def coverage(generator, truths, labels, sets=50, repeats=40):
    """Share of intervals with the truth, micro and macro; truths, labels: (patients,), all labels equally frequent."""
    held = {"micro": [], "macro": []}
    for _ in range(repeats):
        values, patients = simulate(generator, truths, sets)
        for average, (low, high) in interval_of_means(values, labels[patients], patients).items():
            held[average] += [(low <= truths.mean()) & (truths.mean() <= high)]
    return {average: np.mean(parts) for average, parts in held.items()}


def test_intervals_near_1_cover_the_truth():
    """The percentile interval of a bootstrap over patients covers .72 here."""
    found = coverage(np.random.default_rng(0), np.full(48, 0.99), np.repeat(np.arange(4), 12))
    assert 0.93 <= found["micro"] <= 0.985
    assert 0.93 <= found["macro"] <= 0.985


@pytest.mark.parametrize("patients", [2, 3, 20])
def test_intervals_of_few_patients_cover_the_truth(patients):
    """With 2 and 3 patients a label the percentile interval of a bootstrap over patients covers .80 and .88, macro."""
    labels = np.repeat(np.arange(3), patients)
    found = coverage(np.random.default_rng(1), np.array([0.6, 0.7, 0.8])[labels], labels)
    assert 0.93 <= found["micro"] <= 0.985
    assert 0.93 <= found["macro"] <= 0.985


def test_an_interval_over_images_does_not_cover():
    generator, truths = np.random.default_rng(2), np.full(60, 0.7)
    values, patients = simulate(generator, truths, sets=400, images=7)
    low, high = interval_of_means(values, np.zeros(len(values), int), np.arange(len(patients)))["micro"]
    assert np.mean((low <= 0.7) & (high >= 0.7)) < 0.85


@pytest.mark.parametrize("patients", [5, 48, 1000])
def test_without_a_miss_and_with_one_image_per_patient_it_is_the_interval_of_jeffreys(patients):
    low, high = interval(np.ones(patients))["micro"]
    assert low == pytest.approx(stats.beta.ppf(0.025, patients + 0.5, 0.5))
    assert high == 1
    assert interval(np.zeros(patients))["micro"] == pytest.approx([0, 1 - low])


def test_an_interval_of_a_proportion_is_that_of_jeffreys_where_the_variance_is_binomial_and_known():
    estimate = MeanEstimate(np.array([0.9]), np.array([0.9 * 0.1 / 200]), patients=200, freedom=1e12)
    assert mean_interval(estimate)[:, 0] == pytest.approx(stats.beta.ppf([0.025, 0.975], 180.5, 20.5))


def test_few_degrees_of_freedom_widen_the_interval_as_quantiles_of_t_do():
    estimate = MeanEstimate(np.array([0.9]), np.array([0.9 * 0.1 / 200]), patients=1e9, freedom=7)
    number = 200 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 7)) ** 2
    expected = stats.beta.ppf([0.025, 0.975], 0.9 * number + 0.5, 0.1 * number + 0.5)
    assert mean_interval(estimate)[:, 0] == pytest.approx(expected, rel=1e-5)


def test_patients_without_a_miss_count_as_one_to_two_images_each_however_many_they_have():
    ends = [
        interval(np.ones(400 * images), patients=np.repeat(np.arange(400), images))["micro"] for images in (1, 4, 50)
    ]
    misses = [1 - low for low, _ in ends]
    assert misses == sorted(misses, reverse=True)
    assert 400 * misses[0] == pytest.approx(2.5, abs=0.05)  # 2.51 is the 97.5 % quantile for no event at all
    assert 400 * misses[2] > 1.25


def test_the_variance_of_one_image_per_patient_is_that_of_a_mean_and_of_a_mean_of_means():
    values = np.array([0.1, 0.7, 0.4, 0.9, 0.8, 0.3, 0.5, 1.0])
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    micro = estimate_mean(values[:, None], np.zeros(8, int), np.arange(8))
    macro = estimate_mean(values[:, None], labels, np.arange(8))
    assert micro.variance.item() == pytest.approx(np.var(values, ddof=1) / 8)
    assert (micro.freedom, micro.patients) == pytest.approx((7, 8))
    parts = np.var(values[:3], ddof=1) / 3 + np.var(values[3:], ddof=1) / 5
    assert macro.mean.item() == pytest.approx((0.4 + 0.7) / 2)
    assert macro.variance.item() == pytest.approx(parts / 4)
    assert macro.freedom == pytest.approx((1 / 3 + 1 / 5) ** 2 / (1 / 9 / 2 + 1 / 25 / 4))  # Satterthwaite
    assert macro.patients == pytest.approx(4 / (1 / 3 + 1 / 5))


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_the_variance_is_right_on_average_if_images_of_a_patient_correlate_by_a_half(average):
    generator = np.random.default_rng(3)
    patients = np.repeat(np.arange(9), [1, 1, 2, 3, 5, 8, 1, 4, 2])
    labels = np.repeat([0, 1, 2], [2, 4, 3])[patients]
    groups = labels if average == "macro" else np.zeros(len(labels), int)
    order = generator.permutation(len(patients))
    covariance = 0.5 * (patients[:, None] == patients) + 0.5 * np.eye(len(patients))
    weights = 1 / np.bincount(groups)[groups] / (groups.max() + 1)
    # A variance is a quadratic form of the values, so the columns of a root of the covariance sum to its mean.
    root = np.linalg.cholesky(covariance)[order]
    found = estimate_mean(root, groups[order], patients[order])
    assert found.variance.sum() == pytest.approx(weights @ covariance @ weights)
    assert 1 / found.patients == pytest.approx(weights @ covariance @ weights)


def test_a_label_of_one_patient_is_compared_with_the_mean_of_all_labels():
    values, labels = np.array([[1.0], [0.0], [1.0]]), np.array([0, 0, 1])
    found = estimate_mean(values, labels, np.arange(3))
    # label 0: variance 1/2 over 2 patients; label 1: 1 - 3/4, squared, times labels / (labels - 1); each by 1/2 squared
    assert found.variance.item() == pytest.approx((0.5 / 2 + 2 * 0.25**2) / 4)
    alone = estimate_mean(np.array([[1.0], [0.0], [1.0], [0.2]]), np.arange(4), np.arange(4))
    assert alone.variance.item() == pytest.approx(np.var([1, 0, 1, 0.2], ddof=1) / 4)
    assert alone.freedom == 3


def test_parts_of_a_patient_in_two_labels_are_summed():
    labels, patients = np.repeat([0, 1], 6), np.tile(np.arange(6), 2)
    ability = np.array([0.1, 0.3, 0.4, 0.8, 0.9, 1.0])
    both = estimate_mean(np.tile(ability, 2)[:, None], labels, patients)
    assert both.variance.item() == pytest.approx(np.var(ability, ddof=1) / 6)
    opposite = estimate_mean(np.append(ability, 1 - ability)[:, None], labels, patients)
    assert opposite.variance.item() == pytest.approx(0, abs=1e-15)


def test_copies_of_a_patients_images_do_not_change_the_variance():
    ability = np.random.default_rng(4).random((30, 2))
    one = estimate_mean(ability, np.zeros(30, int), np.arange(30))
    many = estimate_mean(np.repeat(ability, 16, axis=0), np.zeros(480, int), np.repeat(np.arange(30), 16))
    assert many.variance == pytest.approx(one.variance)
    assert many.freedom == pytest.approx(one.freedom)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.integers(1, 4))
def test_an_interval_has_a_width_and_contains_the_mean_within_0_and_1(seed, patients, chance, steps):
    generator = np.random.default_rng(seed)
    patient = np.append(np.arange(patients), generator.integers(0, patients, 8))
    labels = generator.integers(0, 4, len(patient))
    values = np.append(generator.binomial(steps, chance, (len(patient), 3)) / steps, np.full((len(patient), 1), 0.6), 1)
    by_label = [values[labels == label].mean(axis=0) for label in np.unique(labels)]
    means = {"micro": values.mean(axis=0), "macro": np.mean(by_label, axis=0)}
    for average, (low, high) in interval_of_means(values, labels, patient).items():
        assert (low >= 0).all()
        assert (high <= 1).all()
        assert (low <= means[average] + 1e-12).all()
        assert (means[average] - 1e-12 <= high).all()
        assert (high - low > 0.001).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_the_intervals_of_misses_mirror_those_of_hits_and_the_order_of_queries_changes_nothing(seed):
    generator = np.random.default_rng(seed)
    values, labels, patients = generator.random((40, 2)).round(1), generator.integers(0, 5, 40), np.arange(40) // 3
    order = generator.permutation(40)
    found, shuffled = (
        interval_of_means(values, labels, patients),
        interval_of_means(*(part[order] for part in (values, labels, patients))),
    )
    mirrored = interval_of_means(1 - values, labels, patients)
    for average, ends in found.items():
        np.testing.assert_allclose(shuffled[average], ends, rtol=0, atol=1e-9)
        np.testing.assert_allclose(1 - mirrored[average][::-1], ends, rtol=0, atol=1e-9)


def test_queries_without_a_value_are_left_out():
    generator = np.random.default_rng(5)
    values, labels, patients = generator.random((30, 2)), generator.integers(2, 7, 30), np.arange(30) % 11
    more = np.vstack([values, np.full((3, 2), np.nan)])
    found = interval_of_means(more, np.append(labels, [0, 1, 99]), np.append(patients, [50, 0, 1]))
    for average, ends in interval_of_means(values, labels, patients).items():
        np.testing.assert_array_equal(found[average], ends)
    more[3, 0] = np.nan
    with pytest.raises(ValueError, match="some columns only"):
        interval_of_means(more, np.append(labels, [0, 1, 99]), np.append(patients, [50, 0, 1]))


@pytest.mark.parametrize("patients", [[], [4, 4, 4]])
def test_fewer_than_two_patients_give_no_interval(patients, recwarn):
    values = np.ones((len(patients), 2))
    found = interval_of_means(values, np.arange(len(patients)), np.array(patients, int))
    assert all(np.isnan(ends).all() and ends.shape == (2, 2) for ends in found.values())
    assert not recwarn.list


def test_labels_of_one_patient_are_counted():
    labels, patients = np.array([7, 7, 7, 3, 3, 1]), np.array([0, 0, 0, 0, 2, 2])
    assert count_labels_of_one_patient(labels, patients) == 2
    assert count_labels_of_one_patient(labels[:0], patients[:0]) == 0
