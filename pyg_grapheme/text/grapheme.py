"""Grapheme clusters and what is known of each without any training."""

import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, get_args

import regex

from pyg_grapheme.text.typing import NormalForm

CATEGORIES = ("letter", "mark", "digit", "punctuation", "symbol", "space", "control")
"""Major Unicode categories, in the order of :attr:`Grapheme.category`."""

NUM_HASHES = 4
"""Hash values a grapheme; see :attr:`Grapheme.hashes`."""

_CATEGORY_OF = {major: i for i, major in enumerate("LMNPSZC")}
_CLUSTER = regex.compile(r"\X")


class Grapheme(NamedTuple):
    """What a model may know of a grapheme cluster that it has never seen.

    Attributes:
        id: 63-bit hash of the cluster; two clusters share one with probability about 1e-19.
        category: Index into :data:`CATEGORIES`, of the first code point.
        value: Fixed pseudo-random number in [0, 1), the activation of the cluster as a target.
        hashes: :data:`NUM_HASHES` independent 31-bit numbers, for hashed embeddings. The last is
            that of the case-folded cluster, so that "A" and "a" have it in common.
    """

    id: int
    category: int
    value: float
    hashes: tuple[int, ...]


def normalize(text: str, form: NormalForm = "NFC") -> str:
    """Return ``text`` in the Unicode normal form ``form`` (``"none"``: as it is)."""
    if form not in get_args(NormalForm):
        raise ValueError(f"Expected 'form' to be one of 'NFC', 'none' (got {form!r})")
    return text if form == "none" else unicodedata.normalize(form, text)


def split_graphemes(text: str) -> list[str]:
    r"""Split a text into extended grapheme clusters.

    A cluster is what a reader takes for one character: a letter with its combining marks, an emoji
    of several code points, a Hangul syllable, ``"\r\n"``. Joined, the clusters are the text again.
    Source: Unicode Standard Annex #29, by way of the ``\X`` of the ``regex`` package.

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
def describe(cluster: str) -> Grapheme:
    """Look at one grapheme cluster.

    >>> describe("a").hashes[-1] == describe("A").hashes[-1]
    True
    >>> CATEGORIES[describe("7").category]
    'digit'
    """
    high, low, value, *hashes = hash_words(cluster, 2 + NUM_HASHES)
    (folded,) = hash_words("fold:" + cluster.casefold(), 1)
    major = unicodedata.category(cluster[0])[0]
    return Grapheme(high << 32 | low, _CATEGORY_OF[major], value / 2**31, (*hashes, folded))
