"""A map of the embeddings, coloured by what the images show."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.figures.style import COLORS, TWO_COLUMNS, shorten, themed

PARTS = {"modality": "modality", "anatomic_region": "anatomic region", "pathology": "finding"}
OTHER = "#d0d0d0"
SIDE = 2.35  # inches, of a panel
LINE = 0.147  # inches, of the legend
LETTERS = 30  # of a name


@themed
def draw_map(places: pd.DataFrame) -> Figure:
    """The images at their places, coloured by modality, by anatomic region and by finding.

    places: columns x, y and those of PARTS, a row an image. The most frequent of each have a colour, all others are
    grey; the numbers count images.
    """
    import seaborn as sns

    longest = min(max(places[part].nunique() for part in PARTS), len(COLORS) + 1)
    figure = Figure(figsize=(TWO_COLUMNS, SIDE + LINE * longest + 0.45), layout="constrained")
    for panel, (part, title) in zip(figure.subplots(1, len(PARTS)), PARTS.items(), strict=True):
        counts = places[part].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        colored = counts.iloc[: len(COLORS)]
        names = {name: _entry(name, count) for name, count in colored.items()}
        palette = dict(zip(names.values(), COLORS, strict=False))
        if len(counts) > len(colored):
            others = counts.iloc[len(colored) :]
            rest = _entry(f"{len(others)} others", others.sum())
            names |= dict.fromkeys(others.index, rest)
            palette[rest] = OTHER
        look = {"s": 7, "linewidth": 0, "alpha": 0.8, "palette": palette, "hue_order": list(palette)}
        sns.scatterplot(x=places["x"], y=places["y"], hue=places[part].map(names), ax=panel, **look)
        panel.set(title=title, xlabel="", ylabel="", xticks=[], yticks=[], aspect="equal", box_aspect=1, anchor="N")
        panel.spines[["top", "right"]].set_visible(True)
        sns.move_legend(panel, "upper center", bbox_to_anchor=(0.5, -0.02), title=None, handletextpad=0.2)
    return figure


def _entry(name: str, count: int) -> str:
    return f"{shorten(name, LETTERS)} ({count:,})"
