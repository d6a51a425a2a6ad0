"""The one exception for what a user can mend."""

from collections.abc import Iterable

LISTED = 20  # problems that a message spells out before it only counts


class InputError(ValueError):
    """A file, key or value that the user can mend; the message names it and the remedy, without a traceback."""


def listing(problems: Iterable[str]) -> str:
    """All problems of a kind in one text, a line each; past the first 20 they are counted only."""
    lines = list(problems)
    more = len(lines) - LISTED
    return "".join(f"\n  {line}" for line in lines[:LISTED]) + (f"\n  and {more} more" if more > 0 else "")
