"""Made-up pairs that are edited as real ones are."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from rapidfuzz.distance import Indel


class UnitPair(NamedTuple):
    """The units of a source and of its target."""

    source: tuple[str, ...]
    target: tuple[str, ...]


def find_letters(texts: Iterable[Sequence[str]], at_least: int = 3) -> list[str]:
    """Collect the units that are letters and come often enough, in code point order."""
    count = Counter(unit for text in texts for unit in text)
    return sorted(
        unit
        for unit, times in count.items()
        if times >= at_least and unicodedata.category(unit[0])[0] == "L"
    )


def hallucinate(
    pair: UnitPair,
    letters: Sequence[str],
    share: float = 0.8,
    shortest: int = 3,
    generator: torch.Generator | None = None,
) -> UnitPair:
    """Fill what source and target have in common with other letters, the same in both.

    What is edited stays, and so do stretches in common of less than ``shortest`` units: a model
    that is trained on it has to learn how stems are edited, and can't know them by heart.

    Args:
        pair: A real pair.
        letters: To draw from.
        share: Probability that a unit in common is replaced.
        shortest: Length from which a stretch in common counts as a stem.
        generator: What is drawn from; torch's global one if None.

    Source: Anastasopoulos and Neubig 2019, "Pushing the limits of low-resource morphological
    inflection" (data hallucination), here with other letters at every draw.
    Cost: O(len(source) * len(target)) at worst.

    >>> pair = UnitPair(tuple("walk"), tuple("walked"))
    >>> "".join(hallucinate(pair, ["o"], share=1.0).target)
    'ooooed'
    """
    source, target = list(pair.source), list(pair.target)
    for block in Indel.opcodes(source, target).as_matching_blocks():
        if block.size < shortest or not letters:
            continue
        replaced = torch.rand(block.size, generator=generator) < share
        drawn = torch.randint(len(letters), (block.size,), generator=generator)
        for k in replaced.nonzero().view(-1).tolist():
            source[block.a + k] = target[block.b + k] = letters[int(drawn[k])]
    return UnitPair(tuple(source), tuple(target))
