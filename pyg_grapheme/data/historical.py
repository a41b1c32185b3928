"""Pairs of an old and a modern spelling, as they are usually preprocessed."""

import re
import unicodedata

from pyg_grapheme.data.examples import Example
from pyg_grapheme.data.grapheme import normalize

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
    source, target = source.strip(), target.strip()
    if _is_punctuation(source) or _is_punctuation(target):
        return None
    source, target = normalize(source).lower(), normalize(target).lower()
    if source == target:
        source = target = _DIGIT.sub("0", source)
    return Example(source, target)


def _is_punctuation(text: str) -> bool:
    """Whether no character is anything else; so an empty text is punctuation."""
    return all(unicodedata.category(character).startswith("P") for character in text)
