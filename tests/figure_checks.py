"""What the tests of the figures share: scores to draw, and what every figure must hold."""

import numpy as np
import pandas as pd
from matplotlib.text import Text

KEYS = ["dataset", "model", "index", "index_size", "draw", "index_images", "level", "average", "metric", "k"]
FEW = {"efficientnet-lite0": "supervised", "efficientnet-lite0-untrained": "control", "pixels": "control"}
MANY = {f"encoder-with-a-long-name-{n}": family for n, family in enumerate(["supervised", "segmentation", ""] * 5)}
LEVELS = {"modality": 0.4, "anatomic_region": 0.2, "pathology": 0.08, "pathology_in_region": 0.3}  # and their chance
SIZES = {"30": 30, "100": 100, "5-per-label": 150, "10-per-label": 280, "full": 840}
MARGIN = 2  # dots, half of what matplotlib's layout leaves at the edge


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
        chance=scores["level"].map(LEVELS)
    )


def pick(scores, **wanted):
    for column, value in wanted.items():
        scores = scores[scores[column] == value]
    return scores


def labels_beyond(axis):
    """Labels of ticks outside the limits, which matplotlib keeps and does not draw."""
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
        held = inside.contains(*box.min) and inside.contains(*box.max)
        assert held, f"{text.get_text()!r} is cut off at the figure's edge, or all but"
    for first in range(len(texts)):
        for second in range(first):
            a, b = boxes[first], boxes[second]
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
            assert not overlap, f"{texts[first].get_text()!r} lies over {texts[second].get_text()!r}"
