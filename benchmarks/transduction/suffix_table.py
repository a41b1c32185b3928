"""Inflection by the longest suffix seen in training: a floor that needs no learning.

Close to the shared task's own baseline, but for suffixes alone: it knows no prefixes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple

from benchmarks.transduction.data import Pair

START = "<"
"""Stands before lemma and form, so that a whole word is a suffix too."""


class SuffixTable(NamedTuple):
    """What becomes of the suffixes of lemmas.

    Attributes:
        replacements: For tags and a suffix of a lemma: how often each suffix of a form took its
            place.
    """

    replacements: dict[tuple[tuple[str, ...], str], Counter[str]]


def learn_suffixes(pairs: Iterable[Pair]) -> SuffixTable:
    """Count, for every cut inside the common prefix, what follows it in the form.

    Cost: O(total length of the lemmas) entries.
    """
    replacements: dict[tuple[tuple[str, ...], str], Counter[str]] = defaultdict(Counter)
    for source, target, tags in pairs:
        lemma, form = START + "".join(source), START + "".join(target)
        common = takewhile(lambda both: both[0] == both[1], zip(lemma, form, strict=False))
        for cut in range(len(list(common)) + 1):
            replacements[tags, lemma[cut:]][form[cut:]] += 1
    return SuffixTable(dict(replacements))


def inflect(table: SuffixTable, lemma: str, tags: tuple[str, ...]) -> str:
    """Replace the longest known suffix as was done most often, or leave the lemma as it is.

    Of replacements that are as common as each other, the one seen first in training is taken.

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
