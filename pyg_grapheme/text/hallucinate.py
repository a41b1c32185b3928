"""Made-up examples: known examples with other stems."""

import random
from collections.abc import Sequence
from itertools import chain, groupby
from typing import NamedTuple

from pyg_grapheme.options import expect_count
from pyg_grapheme.text.edits import DELETE, KEEP, edit_units
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.units import TextUnits

_MIN_STEM = 3
"""Minimum of units in a row that a target keeps, for these to count as a part of the stem."""

_LONG_STEM = 5
"""In longer parts, the first and the last unit stay: they may depend on their neighbours."""


class Stem(NamedTuple):
    """A part of a stem: where it begins in the source and in the target, and its units."""

    source: int
    target: int
    size: int


def hallucinate(examples: Sequence[Example], count: int, seed: int = 0) -> list[Example]:
    """Make up examples by replacing characters of stems, the same in source and target.

    A part of the stem is a stretch of at least three grapheme clusters that the target keeps. Each
    of them is replaced with probability one half, by one drawn from the examples by its frequency;
    the tags stay. A model then learns to copy stems that it has never seen, instead of their
    endings.

    Source: Anastasopoulos and Neubig 2019, "Pushing the limits of low-resource morphological
    inflection"; there, code points are drawn, uniformly.

    Args:
        examples: Known examples.
        count: Number of examples to make up; the known ones are used in turn.
        seed: Seed of the draws; the same arguments give the same examples.

    Raises:
        ValueError: if ``count`` is below 1, or no example has a stem.

    Cost: O(count) plus an alignment per example.

    >>> hallucinate([Example("walk", "walked", ("PST",))], 1)
    [Example(source='wawk', target='wawked', tags=('PST',))]
    """
    expect_count("count", count)
    units = TextUnits("graphemes")
    split = [(units.split(e.source), units.split(e.target), e.tags) for e in examples]
    known = [(*sides, stems) for sides in split if (stems := find_stems(*sides[:2]))]
    if not known:
        raise ValueError(
            f"Expected an example whose target keeps {_MIN_STEM} characters in a row (got none)"
        )
    alphabet = [
        unit for source, target, _ in split for unit in chain(source, target) if not unit.isspace()
    ]
    rng = random.Random(seed)
    made = []
    for index in range(count):
        source, target, tags, stems = known[index % len(known)]
        source, target = list(source), list(target)
        for stem in stems:
            for place in range(stem.size):
                if rng.random() < 0.5:
                    unit = rng.choice(alphabet)
                    source[stem.source + place] = target[stem.target + place] = unit
        made.append(Example(units.join(source), units.join(target), tags))
    return made


def find_stems(source: Sequence[str], target: Sequence[str]) -> list[Stem]:
    """Find the parts of the source that the target keeps, without their ends if they are long.

    >>> find_stems("walking", "walked")
    [Stem(source=0, target=0, size=4)]
    """
    edits = edit_units(source, target)
    kept, written = [], len(edits.insertions[0])
    for place, operation in enumerate(edits.operations):
        if operation is KEEP and not source[place].isspace():
            kept.append((place, written))
        written += (operation != DELETE) + len(edits.insertions[place + 1])
    stems = []
    # In a stretch, both places grow with the index.
    for _, stretch in groupby(enumerate(kept), lambda item: [place - item[0] for place in item[1]]):
        places = [place for _, place in stretch]
        if len(places) >= _MIN_STEM:
            inner = places[1:-1] if len(places) > _LONG_STEM else places
            stems.append(Stem(*inner[0], len(inner)))
    return stems
