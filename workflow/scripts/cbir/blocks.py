"""Blocks of rows: a long array is worked through in slices, so that memory follows the block."""

from collections.abc import Iterator


def blocks(rows: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` rows, at least 1, that together cover `rows` rows in order.

    >>> list(blocks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
