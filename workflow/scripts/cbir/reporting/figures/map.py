"""A map of the embeddings, coloured by the contents of the images."""

import pandas as pd
from matplotlib.figure import Figure

from cbir.reporting.figures.style import COLORS, TWO_COLUMNS, ModelStyle, shorten, themed

PARTS = {"modality": "modality", "anatomic_region": "anatomic region", "pathology": "finding"}
OTHER = "#d0d0d0"  # colour of the less frequent names
SIDE = 2.35  # height and width of a panel, in inches
LINE_HEIGHT = 0.147  # height of a line in the legend, in inches
LONGEST_NAME = 30  # longest name in the legend, in letters


@themed
def draw(places: pd.DataFrame, *, styles: dict[str, ModelStyle]) -> Figure:
    """Images at their places on the map, coloured by modality, by anatomic region and by finding: one panel for each.

    places: one row per image, with the columns x, y and those of PARTS. The most frequent names have a colour and all
    others are grey. The numbers in the legend count images.
    """
    import seaborn as sns

    longest = min(max(places[part].nunique() for part in PARTS), len(COLORS) + 1)
    figure = Figure(figsize=(TWO_COLUMNS, SIDE + LINE_HEIGHT * longest + 0.45), layout="constrained")
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
        # Colours go by number and the names are written at the end: two shortened names can be equal.
        for text, entry in zip(panel.get_legend().get_texts(), entries, strict=True):
            text.set_text(entry)
    return figure


def _entry(name: str, count: int) -> str:
    return f"{shorten(name, LONGEST_NAME)} ({count:,})"
