"""Words that stand for a missing value in a table, such as the NA that R writes."""

import pandas as pd

# The spellings that `pandas.read_csv` reads as missing values, without those of numbers that are out of range. They
# include the default of `write.csv` in R, which is NA. A blank is missing too.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None")
MISSING_IN_ANY_CASE = frozenset(word.casefold() for word in MISSING)


def is_missing_word(text: str) -> bool:
    """Whether a text is blank or a word for a missing value, in upper or lower case.

    >>> [is_missing_word(text) for text in ("None", "na", "", "NAS-7")]
    [True, True, True, False]
    """
    return text.strip().casefold() in MISSING_IN_ANY_CASE


def count_missing(values: pd.Series, words: pd.Series) -> str:
    """How often each of the words occurs, for a message.

    >>> count_missing(pd.Series(["NA", "", "p1", "NA"]), pd.Series(["", "NA"]))
    'NA 2, blank 1'
    """
    counts = values[values.isin(words)].value_counts()
    return ", ".join(f"{word.strip() or 'blank'} {count}" for word, count in counts.items())
