"""Inflection by the longest suffix seen in training: a baseline without training.

It is the baseline of the shared task without prefixes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple

from benchmarks.transduction.data import Pair

START = "<"
"""Mark in front of lemma and form: with it, a whole word is a suffix too."""


class SuffixTable(NamedTuple):
    """The replacements of the suffixes of lemmas.

    Attributes:
        replacements: From tags and the suffix of a lemma to the counts of its replacements.
    """

    replacements: dict[tuple[tuple[str, ...], str], Counter[str]]


def learn_suffixes(pairs: Iterable[Pair]) -> SuffixTable:
    """Count the replacements of every suffix that begins inside the common prefix.

    Cost: O(total length of the lemmas) entries.
    """
    replacements: dict[tuple[tuple[str, ...], str], Counter[str]] = defaultdict(Counter)
    for source, target, tags in pairs:
        lemma, form = START + "".join(source), START + "".join(target)
        common = takewhile(lambda pair: pair[0] == pair[1], zip(lemma, form, strict=False))
        for cut in range(len(list(common)) + 1):
            replacements[tags, lemma[cut:]][form[cut:]] += 1
    return SuffixTable(dict(replacements))


def inflect(table: SuffixTable, lemma: str, tags: tuple[str, ...]) -> str:
    """Replace the longest known suffix by its most frequent replacement.

    Of equally frequent replacements, the first in training wins; an unknown lemma stays.

    >>> table = learn_suffixes([Pair(tuple("walk"), tuple("walked"), ("PST",))])
    >>> inflect(table, "jump", ("PST",))
    'jumped'
    """
    marked = START + lemma
    for cut in range(len(marked) + 1):
        found = table.replacements.get((tags, marked[cut:]))
        if found:
            return (marked[:cut] + found.most_common(1)[0][0]).removeprefix(START)
    return lemma
