"""Grapheme clusters, and what is known of a unit of text without any training."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, get_args

import regex

from pyg_grapheme.options import expect_one_of
from pyg_grapheme.text.typing import NormalForm

CATEGORIES = ("letter", "mark", "digit", "punctuation", "symbol", "space", "control")
"""Major Unicode categories, in the order of :attr:`UnitInfo.category`."""

NUM_HASHES = 4
"""Number of hash values per unit; see :attr:`UnitInfo.hashes`."""

_CATEGORY_OF = {major: i for i, major in enumerate("LMNPSZC")}
_CLUSTER = regex.compile(r"\X")


class UnitInfo(NamedTuple):
    """Features of a unit, which it has even if a model has never seen it.

    Attributes:
        id: 63-bit hash of the unit; two units share one with probability about 1e-19.
        category: Index into :data:`CATEGORIES`, of the first code point.
        value: Fixed pseudo-random number in [0, 1), the activation of the unit as a target.
        hashes: :data:`NUM_HASHES` independent 31-bit numbers, for hashed embeddings. The last is
            that of the case-folded unit, so that "A" and "a" share it.
    """

    id: int
    category: int
    value: float
    hashes: tuple[int, ...]


def normalize(text: str, form: NormalForm = "NFC") -> str:
    """Return ``text`` in the Unicode normal form ``form``."""
    expect_one_of("form", form, get_args(NormalForm))
    return unicodedata.normalize(form, text)


def split_graphemes(text: str) -> list[str]:
    r"""Split a text into extended grapheme clusters.

    A cluster is what a reader takes for one character: a letter with its combining marks, an emoji
    of several code points, a Hangul syllable, ``"\r\n"``. Joined, the clusters are the text again.

    Source: Unicode Standard Annex #29, as the ``\X`` of the ``regex`` package implements it.

    Cost: O(len(text)).

    >>> [len(cluster) for cluster in split_graphemes("e\u0301t")]
    [2, 1]
    """
    return _CLUSTER.findall(text)


def hash_words(text: str, count: int) -> tuple[int, ...]:
    """Return ``count`` 31-bit hashes of ``text``, the same on every machine."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4 * count).digest()
    return tuple(
        int.from_bytes(digest[4 * i : 4 * i + 4], "little") & 0x7FFFFFFF for i in range(count)
    )


@lru_cache(maxsize=65536)
def unit_info(unit: str) -> UnitInfo:
    """Return what is known of a unit of text.

    >>> unit_info("a").hashes[-1] == unit_info("A").hashes[-1]
    True
    >>> CATEGORIES[unit_info("7").category]
    'digit'
    """
    high, low, value, *hashes = hash_words(unit, 2 + NUM_HASHES)
    (folded,) = hash_words("fold:" + unit.casefold(), 1)
    major = unicodedata.category(unit[0])[0]
    return UnitInfo(high << 32 | low, _CATEGORY_OF[major], value / 2**31, (*hashes, folded))


def grapheme_indices(units: Sequence[str]) -> list[int]:
    r"""Return the index of the grapheme cluster of each unit.

    Units of one code point each that form a cluster together share an index; any other unit is a
    cluster by itself.

    Cost: O(length of the text).

    >>> grapheme_indices(["e", "\u0301", "t"])
    [0, 0, 1]
    """
    if max(map(len, units), default=1) > 1:
        return list(range(len(units)))
    clusters = split_graphemes("".join(units))
    return [index for index, cluster in enumerate(clusters) for _ in cluster]
