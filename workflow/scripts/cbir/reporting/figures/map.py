"""A map of the embeddings, coloured by what the images show."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import COLORS, TWO_COLUMNS, shorten, themed

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
        entries = [_entry(name, count) for name, count in counts.iloc[: len(COLORS)].items()]
        if others := len(counts) - len(entries):
            entries.append(_entry(f"{others} others", counts.iloc[len(COLORS) :].sum()))
        hue = {name: str(min(place, len(COLORS))) for place, name in enumerate(counts.index)}
        palette = {str(place): color for place, color in enumerate((*COLORS, OTHER)[: len(entries)])}
        look = {"s": 7, "linewidth": 0, "alpha": 0.8, "palette": palette, "hue_order": list(palette)}
        sns.scatterplot(x=places["x"], y=places["y"], hue=places[part].map(hue), ax=panel, **look)
        panel.set(title=title, xlabel="", ylabel="", xticks=[], yticks=[], aspect="equal", box_aspect=1, anchor="N")
        panel.spines[["top", "right"]].set_visible(True)
        sns.move_legend(panel, "upper center", bbox_to_anchor=(0.5, -0.02), title=None, handletextpad=0.2)
        for text, entry in zip(panel.get_legend().get_texts(), entries, strict=True):
            text.set_text(entry)  # names that were cut may be the same
    return figure


def _entry(name: str, count: int) -> str:
    return f"{shorten(name, LETTERS)} ({count:,})"
