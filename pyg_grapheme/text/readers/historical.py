"""Pairs of an old and a modern spelling, as they are usually preprocessed."""

import re
import unicodedata

from pyg_grapheme.text.grapheme import normalize
from pyg_grapheme.text.readers.examples import Example

_DIGIT = re.compile(r"\d")


def preprocess_historical(source: str, target: str) -> Example | None:
    """Bring a pair of spellings into the form in which historical normalisation is scored.

    Space around either side goes; a pair with an empty side, or a side that is all punctuation
    (Unicode's categories P), is left out. Both sides are composed (NFC) and put in lower case;
    where they are then equal, digits become 0.

    Source: Bollmann 2019, A Large-Scale Comparison of Historical Text Normalization Systems, and
    the scripts that go with it, whose order of steps this is.

    Returns:
        The pair, or None if it is left out.

    >>> preprocess_historical("AN", "An")
    Example(source='an', target='an', tags=())
    >>> preprocess_historical("⸗", "-") is None
    True
    """
    old, modern = preprocess_spelling(source), preprocess_spelling(target)
    if old is None or modern is None:
        return None
    if old == modern:
        old = modern = _DIGIT.sub("0", old)
    return Example(old, modern)


def preprocess_spelling(text: str) -> str | None:
    """Do to one spelling what needs no other: all but the digits.

    Returns:
        The spelling, or None if it is empty or all punctuation.

    >>> preprocess_spelling(" Vnd ")
    'vnd'
    """
    text = text.strip()
    if all(unicodedata.category(character).startswith("P") for character in text):
        return None
    return normalize(text).lower()
