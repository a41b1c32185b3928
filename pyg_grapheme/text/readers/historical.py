"""The usual preprocessing of pairs of an old and a modern spelling."""

import re
import unicodedata

from pyg_grapheme.text.grapheme import normalize
from pyg_grapheme.text.readers.examples import Example

_DIGIT = re.compile(r"\d")


def preprocess_historical(source: str, target: str) -> Example | None:
    """Return a pair of spellings in the form in which historical normalisation is scored.

    Surrounding space is removed; a pair with an empty side, or a side of punctuation only
    (Unicode categories P), is dropped. Both sides are composed (NFC) and lowercased; if they are
    then equal, digits become 0.

    Source: Bollmann 2019, A Large-Scale Comparison of Historical Text Normalization Systems, and
    its scripts, in the same order of steps.

    Returns:
        The pair, or None if it is dropped.

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
    """Preprocess one spelling: all steps but the digits, which need both.

    Returns:
        The spelling, or None if it is empty or all punctuation.

    >>> preprocess_spelling(" Vnd ")
    'vnd'
    """
    text = text.strip()
    if all(unicodedata.category(character).startswith("P") for character in text):
        return None
    return normalize(text).lower()
