"""Queries and their nearest images."""

import hashlib
import textwrap
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from cbir.evaluation.hits import query_precision
from cbir.evaluation.levels import read_level
from cbir.images.reading import read_image
from cbir.reporting.figures.style import FONT_SIZE, INK, TWO_COLUMNS, ModelStyle, themed
from cbir.retrieval.neighbors import Neighbors

SHOWN = 5  # number of nearest images shown for a query
EACH = 2  # number of queries of each kind
PIXELS = 300  # longest side of an image in the figure

MARGIN = 0.4  # room for the text left of a row, in inches
CELL = (TWO_COLUMNS - MARGIN) / (SHOWN + 1)
SIDE = 0.92  # side of an image's square, in inches
ROW = SIDE + 0.48  # height of the square and three lines of text, in inches
HEADER = 0.25  # height of the column titles, in inches
LINE_LENGTH = 19  # number of letters that fit in a cell

RIGHT = {"edgecolor": "#009E73", "linewidth": 2.2, "linestyle": "-"}
WRONG = {"edgecolor": "#D55E00", "linewidth": 1.6, "linestyle": (0, (2.5, 1.5))}
QUERY = {"edgecolor": INK, "linewidth": 0.6, "linestyle": "-"}


@themed
def draw(
    manifest: pd.DataFrame,
    neighbors: Neighbors,
    *,
    styles: dict[str, ModelStyle],
    read_image: Callable[[str, int, int], np.ndarray] = read_image,
) -> Figure:
    """Queries with the best, typical and worst precision, one per row, each followed by its nearest images.

    manifest: the dataset's images. neighbors: nearest images in the full exact index. read_image: function of the
    path, the frame and the smallest side needed, that returns a uint8 image, (h, w) grey or (h, w, 3). An image with
    the query's label has a solid frame and a tick, any other a dashed frame and a cross. The cosine similarity and the
    label stand below.
    """
    chosen = choose_queries(manifest, neighbors)
    height = HEADER + ROW * len(chosen)
    figure = Figure(figsize=(TWO_COLUMNS, height))

    def corner(row: int, column: int) -> tuple[float, float]:
        return MARGIN + CELL * column + (CELL - SIDE) / 2, height - HEADER - ROW * row - SIDE

    def show(manifest_row: int, row: int, column: int, heading: str, frame: dict) -> None:
        left, bottom = corner(row, column)
        box = (left / TWO_COLUMNS, bottom / height, SIDE / TWO_COLUMNS, SIDE / height)
        image = manifest.iloc[manifest_row]
        pixels = read_image(image["path"], int(image["frame"]), PIXELS)
        _draw_image(figure.add_axes(box), pixels, f"{heading}\n{_label_text(image)}", frame)

    for column, title in enumerate(["query", *(f"rank {rank + 1}" for rank in range(SHOWN))]):
        left, bottom = corner(0, column)
        figure.text((left + SIDE / 2) / TWO_COLUMNS, (bottom + SIDE + 0.08) / height, title, ha="center", va="bottom")
    labels = manifest["label"].to_numpy()
    for row, (kind, precision, query) in enumerate(chosen):
        left, bottom = corner(row, 0)
        text = f"{kind}\nP@{SHOWN} {precision:.2f}"
        at = ((left - 0.1) / TWO_COLUMNS, (bottom + SIDE / 2) / height)
        figure.text(*at, text, rotation=90, ha="right", va="center", multialignment="center")
        query_row = neighbors.query[query]
        show(query_row, row, 0, "query", QUERY)
        for rank in range(min(SHOWN, neighbors.neighbor.shape[1])):
            found = neighbors.neighbor[query, rank]
            if found >= 0:
                is_right = labels[found] == labels[query_row]
                heading = f"{'✓' if is_right else '✗'} similarity {neighbors.similarity[query, rank]:.3f}"
                show(found, row, rank + 1, heading, RIGHT if is_right else WRONG)
    return figure


def choose_queries(manifest: pd.DataFrame, neighbors: Neighbors) -> list[tuple[str, float, int]]:
    """Two queries each with the highest, the median and the lowest precision at 5 in the full index.

    Among queries with the same precision, a label that the other query of the kind does not have comes first, then a
    label shown less often so far. After that, a hash of the image_id decides, so that nobody chooses by hand. A query
    whose label has no image in the index split is left out. Returns (kind, precision, position among the queries),
    where the kind is best, typical or worst, in that order.
    """
    level = read_level(manifest, "pathology", np.flatnonzero(manifest["split"] == "train"))
    precision = query_precision(neighbors, level, [SHOWN])[:, 0]
    can_be_found = ~np.isnan(precision)
    labels = manifest["label"].to_numpy()[neighbors.query]
    ids = manifest["image_id"].to_numpy()[neighbors.query]
    left = sorted(np.flatnonzero(can_be_found), key=lambda query: hashlib.sha256(ids[query].encode()).digest())
    typical = np.quantile(precision[can_be_found], 0.5, method="lower") if left else 0.0
    shown = Counter()  # number of queries shown of each label
    chosen = []
    for kind, goal in {"best": 1.0, "worst": 0.0, "typical": typical}.items():
        distance = np.abs(precision - goal)
        same_kind = set()
        for _ in range(min(EACH, len(left))):
            query = min(left, key=lambda query: (distance[query], labels[query] in same_kind, shown[labels[query]]))
            left.remove(query)
            same_kind.add(labels[query])
            shown[labels[query]] += 1
            chosen.append((kind, float(precision[query]), int(query)))
    return sorted(chosen, key=lambda choice: ("best", "typical", "worst").index(choice[0]))


def _label_text(image: pd.Series) -> str:
    text = f"{image['modality']} {image['anatomic_region']}, {image['pathology']}"
    return "\n".join(textwrap.wrap(text, LINE_LENGTH, max_lines=2, placeholder="…"))


def _draw_image(panel: Axes, pixels: np.ndarray, text: str, frame: dict) -> None:
    """Draw the whole image in a black square, as a viewer shows it, with a frame and with the text below."""
    image = Image.fromarray(pixels)
    image.thumbnail((PIXELS, PIXELS))
    pixels = np.asarray(image)
    panel.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    height, width = pixels.shape[:2]
    side = max(height, width)
    panel.set(xlim=((width - side) / 2 - 0.5, (width + side) / 2 - 0.5))
    panel.set(ylim=((height + side) / 2 - 0.5, (height - side) / 2 - 0.5))
    panel.set(xticks=[], yticks=[], facecolor="black")
    for spine in panel.spines.values():
        spine.set(visible=True, **frame)
    panel.set_xlabel(text, fontsize=FONT_SIZE, labelpad=3)
