"""Modality and VOI lookup tables (LUTs) of DICOM headers."""

import numpy as np
from pydicom.dataset import Dataset

MOST_ENTRIES = 2**16  # written as 0 in a descriptor


def look_up(values: np.ndarray, table: Dataset, is_little_endian: bool) -> np.ndarray:
    """Values through a lookup table (PS3.3 C.11.1.1 and C.11.2.1.1).

    Values are rounded. Values before the first entry take the first one, and values after the last entry the last one.
    NaN counts as 0.

    values: numbers of any type and shape. table: an item of ModalityLUTSequence or VOILUTSequence.
    is_little_endian: the byte order of the file.

    Returns unsigned integers of the same shape.

    >>> table = Dataset()
    >>> table.LUTDescriptor, table.LUTData = [3, 10, 16], [500, 700, 900]
    >>> look_up(np.array([0, 10, 11, 12, 40]), table, is_little_endian=True)
    array([500, 500, 700, 900, 900], dtype=uint16)
    """
    entries = _entries(table, is_little_endian)
    values = np.rint(np.nan_to_num(values))
    first = _first_value(table, len(entries), values)
    # pydicom 3.0 keeps these indexes in the type of the entries, so that 8-bit entries after the 256th are lost.
    return entries[np.clip(values - first, 0, len(entries) - 1).astype(np.int64)]


def table_depth(table: Dataset) -> int:
    """Number of bits per entry of a lookup table."""
    return int(table.LUTDescriptor[2])


def _entries(table: Dataset, is_little_endian: bool) -> np.ndarray:
    """The entries of a table, (n,) unsigned, at most as many as its descriptor says.

    Entries of 8 bits stand alone in a 16-bit word, or by two with the earlier one in the low byte. The number of words
    tells which (note in PS3.3 C.11.1.1).
    """
    count = int(table.LUTDescriptor[0]) % MOST_ENTRIES or MOST_ENTRIES
    data = table.LUTData
    if isinstance(data, bytes):
        words = np.frombuffer(data, "<u2" if is_little_endian else ">u2", len(data) // 2)
    else:
        words = (np.atleast_1d(data).astype(np.int64) % 2**16).astype(np.uint16)
    if table_depth(table) <= 8 and len(words) < count and len(words) == (count + 1) // 2:
        words = words.astype("<u2").view(np.uint8)
    return words[:count]


def _first_value(table: Dataset, count: int, values: np.ndarray) -> int:
    """The value that the first entry of a table maps.

    It is signed if the values are. A file in implicit VR does not write the sign, and pydicom then takes that of the
    stored pixels, although rescaled values can have another (PS3.3 C.11.2.1.1). The other sign is therefore assumed
    where the values lie outside the table with this sign and inside with the other one.
    """
    first = int(table.LUTDescriptor[1])
    other = first + 2**16 if first < 0 else first - 2**16 if first >= 2**15 else first
    least, greatest = values.min(), values.max()
    fits, other_fits = (start <= greatest and least < start + count for start in (first, other))
    return other if other_fits and not fits else first
