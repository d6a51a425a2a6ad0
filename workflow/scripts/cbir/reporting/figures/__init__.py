"""Figures: one module per figure, each with a function `draw` that turns tables into a matplotlib Figure."""

import importlib
import pkgutil
from collections.abc import Callable

from matplotlib.figure import Figure

from cbir.errors import InputError, did_you_mean

SHARED = {"style"}  # modules of this folder that are not a figure


def figure_names() -> list[str]:
    """Names of all figures, in alphabetical order: the modules in this folder.

    >>> "precision_at_k" in figure_names()
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)


def find_figure(name: str) -> Callable[..., Figure]:
    """The function `draw(*inputs, styles)` of a figure, found by the figure's name.

    inputs: the figure's tables, in the order that its module gives. styles: look of each model, by model name.
    Raises InputError for a name without a module.

    >>> find_figure("precision_at_k").__module__
    'cbir.reporting.figures.precision_at_k'
    """
    names = figure_names()
    if name not in names:
        raise InputError(f"no figure {name!r}{did_you_mean(name, names)}; the figures are {', '.join(names)}")
    return importlib.import_module(f"{__name__}.{name}").draw
