"""Shared by the tests of the figures: plausible inputs to draw, and a check that every figure must pass."""

import numpy as np
import pandas as pd
from matplotlib.text import Text

from cbir.retrieval.neighbors import Neighbors

KEYS = ["dataset", "model", "index", "index_size", "draw", "index_images", "level", "average", "metric", "k"]
FEW = {"efficientnet-lite0": "supervised", "efficientnet-lite0-untrained": "control", "pixels": "control"}
MANY = {f"encoder-with-a-long-name-{n}": family for n, family in enumerate(["supervised", "segmentation", ""] * 5)}
LEVELS = {
    "modality": 0.4,
    "anatomic_region": 0.2,
    "pathology": 0.08,
    "pathology_in_region": 0.3,
}  # chance level of each
SIZES = {"30": 30, "100": 100, "5-per-label": 150, "10-per-label": 280, "full": 840}
MARGIN = 2  # half of the space that matplotlib's layout leaves at the edge, in dots
LABELS = ["XR/chest/normal", "XR/chest/effusion", "MR/brain/tumour of the pituitary gland", "CT/head/bleeding"]


def plausible_scores(models, indexes=("exact",), depths=(1, 3, 5, 10)):
    generator = np.random.default_rng(0)
    rows = [
        ("chest", model, index, size, draw, images, level, average, "precision", k)
        for model in models
        for index in indexes
        for size, images in SIZES.items()
        for draw in range(1 if size == "full" else 3)
        for level in LEVELS
        for average in ("micro", "macro")
        for k in depths
    ]
    scores = pd.DataFrame(rows, columns=KEYS)
    value = generator.uniform(0.1, 0.9, len(scores))
    reach = np.where(scores["k"].isin([1, 3, 5, 10]), 0.05, np.nan)
    return scores.assign(value=value, ci_low=value - reach, ci_high=value + reach, queries=240).assign(
        labels_of_one_patient=0, chance=scores["level"].map(LEVELS)
    )


def plausible_index_size(models, indexes=("exact",)):
    """Rows of the index_size table whose values lie between the lowest and the highest draw."""
    keys = ["dataset", "model", "index", "level", "average", "k", "index_size", "index_images"]
    table = plausible_scores(models, indexes).query("draw == 0")[[*keys, "value"]]
    reach = np.where(table["index_size"] == "full", 0, 0.03)
    return table.assign(
        draws=np.where(table["index_size"] == "full", 1, 3),
        lowest=table["value"] - reach,
        highest=table["value"] + 2 * reach,
        ci_low=table["value"] - 0.06,
        ci_high=table["value"] + 0.05,
    )


def plausible_neighbors(queries=24, indexed=40, found=8):
    """A manifest and neighbors in which the first q // 4 of the `found` neighbors of query q are right.

    The last neighbor of each query is -1.
    """
    labels = [LABELS[row % 3] for row in range(indexed + queries)]
    manifest = pd.DataFrame({"label": labels, "image_id": [f"i{row}" for row in range(len(labels))], "frame": 0})
    manifest[["modality", "anatomic_region", "pathology"]] = manifest["label"].str.split("/", expand=True)
    manifest["path"] = manifest["image_id"]
    manifest["split"] = ["train"] * indexed + ["test"] * queries
    query = np.arange(indexed, indexed + queries)
    neighbor = np.full((queries, found), -1)
    for position, row in enumerate(query):
        right = [other for other in range(indexed) if labels[other] == labels[row]]
        wrong = [other for other in range(indexed) if labels[other] != labels[row]]
        neighbor[position] = (right[: position // 4] + wrong)[:found]
    neighbor[:, -1] = -1
    similarity = np.linspace(0.95, 0.4, queries * found, dtype="float32").reshape(queries, found)
    return manifest, Neighbors(query, neighbor, similarity)


def paint_image(path, frame, size):
    """A grey or coloured image whose shape and content depend on the path."""
    number = int(path.removeprefix("i"))
    shape = [(40, 60), (60, 40), (900, 700), (50, 50, 3)][number % 4]
    return np.full(shape, number * 3, dtype="uint8")


def pick(scores, **wanted):
    for column, value in wanted.items():
        scores = scores[scores[column] == value]
    return scores


def labels_beyond(axis):
    """Labels of ticks outside the limits, which matplotlib keeps but does not draw."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]


def assert_all_is_inside_and_apart(figure):
    figure.draw_without_rendering()
    unseen = {label for panel in figure.axes for axis in (panel.xaxis, panel.yaxis) for label in labels_beyond(axis)}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    texts = [text for text in texts if text not in unseen]
    boxes = [text.get_window_extent() for text in texts]
    inside = figure.bbox.padded(-MARGIN)
    for text, box in zip(texts, boxes, strict=True):
        is_inside = inside.contains(*box.min) and inside.contains(*box.max)
        assert is_inside, f"{text.get_text()!r} is cut off at the figure's edge, or touches it"
    for first in range(len(texts)):
        for second in range(first):
            a, b = boxes[first], boxes[second]
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
            assert not overlap, f"{texts[first].get_text()!r} lies over {texts[second].get_text()!r}"
