"""How often 95 % intervals of a mean hold the truth, and how wide they are, by several methods on simulated data.

    .venv/bin/python benchmarks/coverage.py [--small]

Each design has labels with some patients each. The probability of a hit varies among labels, among the patients of a
label (correlation 0.3 of two images of one patient, or .9), and each patient has 1 + Poisson(3) images, or one image
where the design says so. The truth of micro is the expected mean over queries, that of macro the mean over labels.

jeffreys is the interval of the tables. percentile and BCa resample patients 1,000 times (Efron and Tibshirani 1993,
sections 13.3 and 14.3). wilson and logit-t use the variance and the degrees of freedom of jeffreys: wilson with its
number of observations, logit-t with half a hit added. needed is the width that holds 95 % of the errors of the mean.
A star marks coverage that is below .93 or above .98 when rounded to two decimals. The word single marks designs in
which some or all labels have a single patient.
"""

import sys
from dataclasses import dataclass

import measuring  # noqa: F401  puts cbir on the search path
import numpy as np
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

from cbir.evaluation.intervals import MeanEstimate, estimate_mean, mean_interval

SETS = 20  # data sets of the same labels, patients and numbers of images
DRAWS = 1000
METHODS = ("percentile", "BCa", "wilson", "logit-t", "jeffreys")
Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Design:
    """What data sets are drawn from.

    patients: of each label; with `labels` above 0, as many patients in all, whose labels are drawn with the frequency
    1 / rank ** zipf. truth: the probability of a hit of each label is uniform between two values. images: mean number
    of further images of a patient. correlation: of the hits of two images of a patient. neighbors: a value is the share
    of hits among so many.
    """

    patients: tuple[int, ...]
    truth: tuple[float, float] = (0.4, 0.95)
    images: float = 3
    correlation: float = 0.3
    neighbors: int = 1
    labels: int = 0
    zipf: float = 0


TAIL = tuple(int(number) for number in np.geomspace(80, 1, 40).round())
DESIGNS = {
    "5 labels x 6": Design((6,) * 5),
    "5 labels x 20": Design((20,) * 5),
    "5 labels x 60": Design((60,) * 5),
    "40 labels x 5": Design((5,) * 40),
    "40 labels x 3": Design((3,) * 40),
    "40 labels x 2": Design((2,) * 40),
    "40 labels x 1": Design((1,) * 40),
    "160 labels x 3, one image": Design((3,) * 160, images=0),
    "10 labels x 3": Design((3,) * 10),
    "10 labels x 2": Design((2,) * 10),
    "10 labels x 1": Design((1,) * 10),
    "3 labels x 3": Design((3,) * 3),
    "3 labels x 2": Design((2,) * 3),
    "2 labels x 5": Design((5,) * 2),
    "40 labels, 1 to 80": Design(TAIL),
    "40 labels, 2 to 80": Design(tuple(max(number, 2) for number in TAIL)),
    "4 labels: 1, 1, 30, 60": Design((1, 1, 30, 60)),
    "4 labels: 2, 2, 30, 60": Design((2, 2, 30, 60)),
    "10 labels: 5 x 1, 5 x 40": Design((1,) * 5 + (40,) * 5),
    ".95-.99, 5 x 20": Design((20,) * 5, (0.95, 0.99)),
    ".95-.99, 5 x 60": Design((60,) * 5, (0.95, 0.99)),
    ".99, 4 x 12": Design((12,) * 4, (0.99, 0.99)),
    ".99, 4 x 50": Design((50,) * 4, (0.99, 0.99)),
    ".995, 4 x 50, one image": Design((50,) * 4, (0.995, 0.995), images=0),
    ".98, 4 x 50, one image": Design((50,) * 4, (0.98, 0.98), images=0),
    "mix of 10, 100 patients": Design((100,), labels=10),
    "mix of 40, Zipf 1, 150": Design((150,), labels=40, zipf=1),
    "mix of 40, Zipf 1.5, 150": Design((150,), labels=40, zipf=1.5),
    "5 labels x 20, P@5": Design((20,) * 5, neighbors=5),
    "5 x 20, correlation .9": Design((20,) * 5, correlation=0.9),
    ".99, 4 x 12, corr. .9": Design((12,) * 4, (0.99, 0.99), correlation=0.9),
    ".99, 4 x 50, corr. .9": Design((50,) * 4, (0.99, 0.99), correlation=0.9),
}


@dataclass(frozen=True)
class Sample:
    """Data sets: values (queries, sets), labels and patients (queries,), and the true mean by average."""

    values: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    truth: dict[str, float]


def draw_sample(design: Design, generator: np.random.Generator) -> Sample:
    """Draw SETS data sets with the same labels, patients and numbers of images."""
    if design.labels:
        frequency = np.arange(1.0, design.labels + 1) ** -design.zipf
        frequency /= frequency.sum()
        label = generator.choice(design.labels, design.patients[0], p=frequency)
    else:
        label = np.repeat(np.arange(len(design.patients)), design.patients)
        frequency = np.array(design.patients) / len(label)
    chance = generator.uniform(*design.truth, len(frequency))
    spread = 1 / design.correlation - 1
    hit = np.repeat(chance[label][:, None], SETS, axis=1)
    ability = generator.beta(hit * spread, (1 - hit) * spread)
    patients = np.repeat(np.arange(len(label)), 1 + generator.poisson(design.images, len(label)))
    values = generator.binomial(design.neighbors, ability[patients]) / design.neighbors
    truth = {"micro": frequency @ chance, "macro": chance[np.unique(label)].mean()}
    return Sample(values, label[patients], patients, truth)


def weighted_means(sample: Sample, groups: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means over groups of the weighted means of their queries, (draws, sets); weights: (patients, draws)."""
    total, present = 0, 0
    for group in np.unique(groups):
        rows = groups == group
        drawn = weights[sample.patients[rows]].T
        count = drawn.sum(axis=1, keepdims=True)
        total += np.divide(drawn @ sample.values[rows], count, out=np.zeros((len(drawn), SETS)), where=count > 0)
        present += count > 0
    return total / present


def bootstrap_intervals(sample: Sample, groups: np.ndarray, generator: np.random.Generator) -> dict[str, Ends]:
    """The percentile and the BCa interval of each data set."""
    number = sample.patients.max() + 1
    taken = generator.integers(number, size=(number, DRAWS))
    weights = np.stack([np.bincount(draw, minlength=number) for draw in taken.T], axis=1).astype(float)
    means = weighted_means(sample, groups, weights)
    mean = weighted_means(sample, groups, np.ones((number, 1)))
    without = weighted_means(sample, groups, 1 - np.eye(number))
    influence = without.mean(axis=0) - without
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = (influence**3).sum(axis=0) / (6 * (influence**2).sum(axis=0) ** 1.5)
        bias = ndtri(((means < mean).mean(axis=0) + (means <= mean).mean(axis=0)) / 2)
        tails = [bias + ndtri(tail) for tail in (0.025, 0.975)]
        places = [ndtr(bias + tail / (1 - acceleration * tail)) for tail in tails]
    ends = [
        np.array([np.quantile(*pair) for pair in zip(means.T, np.nan_to_num(place), strict=True)]) for place in places
    ]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return {"percentile": (low, high), "BCa": tuple(ends)}


def closed_intervals(estimate: MeanEstimate) -> dict[str, Ends]:
    """The other intervals of each data set."""
    mean, added = estimate.mean, 0.5 / estimate.patients
    t = stdtrit(estimate.freedom, 0.975)
    shifted = (mean + added) / (1 + 2 * added)
    expected, variance = shifted * (1 - shifted), estimate.variance + added / estimate.patients
    number = expected / variance / t**2
    center, half = (mean + 0.5 / number) / (1 + 1 / number), np.sqrt(mean * (1 - mean) / number + 0.25 / number**2)
    wilson = [np.clip(center + sign * half / (1 + 1 / number), 0, 1) for sign in (-1, 1)]
    reach = t * np.sqrt(variance) / expected
    return {
        "wilson": (np.minimum(wilson[0], mean), np.maximum(wilson[1], mean)),
        "logit-t": (np.minimum(expit(logit(shifted) - reach), mean), np.maximum(expit(logit(shifted) + reach), mean)),
        "jeffreys": tuple(mean_interval(estimate)),
    }


def measure(design: Design, samples: int) -> dict[str, tuple[dict[str, tuple[float, float]], float]]:
    """By average: coverage and mean width by method, and the width that is needed."""
    generator = np.random.default_rng(0)
    found = {average: {method: [] for method in METHODS} for average in ("micro", "macro")}
    errors = {average: [] for average in found}
    for _ in range(samples):
        sample = draw_sample(design, generator)
        labels = np.unique(sample.labels, return_inverse=True)[1]
        for average, groups in (("micro", np.zeros_like(labels)), ("macro", labels)):
            estimate, truth = estimate_mean(sample.values, groups, sample.patients), sample.truth[average]
            errors[average].append(estimate.mean - truth)
            intervals = bootstrap_intervals(sample, groups, generator) | closed_intervals(estimate)
            for method, (low, high) in intervals.items():
                held = (low <= truth) & (truth <= high)
                found[average][method].append((held.mean(), (high - low).mean()))
    needed = {average: np.ptp(np.quantile(parts, [0.025, 0.975])) for average, parts in errors.items()}
    methods = {
        average: {method: tuple(np.mean(parts, axis=0)) for method, parts in by_method.items()}
        for average, by_method in found.items()
    }
    return {average: (methods[average], needed[average]) for average in found}


def main() -> None:
    """Print coverage and mean width of each method, for micro and for macro."""
    samples = 10 if "--small" in sys.argv else 150
    results = {name: measure(design, samples) for name, design in DESIGNS.items()}
    print(f"{samples * SETS:,} data sets per design: coverage and mean width")
    for average in ("micro", "macro"):
        print(f"\n{average:25}" + "".join(f"{method:>13}" for method in METHODS) + f"{'needed':>9}")
        for name, design in DESIGNS.items():
            methods, needed = results[name][average]
            cells = []
            for method in METHODS:
                share, width = methods[method]
                star = " " if 0.93 <= round(share, 2) <= 0.98 else "*"
                cells.append(f"{share:7.3f}".replace("0.", " .") + star + f"{width:5.2f}")
            single = " single" if average == "macro" and (1 in design.patients or design.labels) else ""
            print(f"{name:25}" + "".join(cells) + f"{needed:9.2f}{single}", flush=True)


if __name__ == "__main__":
    main()
