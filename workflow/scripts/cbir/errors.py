"""The exception for errors that a user can fix."""

import difflib
from collections.abc import Iterable

# number of problems that a message lists; the others are only counted
LISTED = 20


class InputError(ValueError):
    """An error that the user can fix. Its message names the file, key or value and the remedy, without a traceback."""


def listing(problems: Iterable[str]) -> str:
    """List problems, one per line. From the 21st on, they are only counted.

    >>> listing(["a.png", "b.png"])
    '\\n  a.png\\n  b.png'
    """
    lines = list(problems)
    more = len(lines) - LISTED
    return "".join(f"\n  {line}" for line in lines[:LISTED]) + (f"\n  and {more} more" if more > 0 else "")


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """A suggestion for a misspelt name, ready to follow it in a message; empty where no allowed name is close.

    >>> did_you_mean("pixel", ["pixels", "resnet50"])
    ' (did you mean pixels?)'
    """
    close = difflib.get_close_matches(name, list(allowed), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
