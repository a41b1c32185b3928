"""Edits that turn one text into another, unit by unit and gap by gap."""

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Indel

from pyg_grapheme.text.typing import NormalForm, UnitsName
from pyg_grapheme.text.units import join_units, split_units

KEEP = None
"""The operation that leaves a unit as it is."""

DELETE = ""
"""The operation that removes a unit."""


class Edits(NamedTuple):
    """What happens at each unit of a source of n units, and at each of its n + 1 gaps.

    A unit is a grapheme, unless the texts were split otherwise (:func:`split_units`).

    Attributes:
        source: The n units.
        operations: n of :data:`KEEP`, :data:`DELETE`, or the unit that takes its place.
        insertions: n + 1 tuples of units; number i goes before unit i, the last one behind the
            last unit.
    """

    source: tuple[str, ...]
    operations: tuple[str | None, ...]
    insertions: tuple[tuple[str, ...], ...]


def compute_edits(
    source: str,
    target: str,
    form: NormalForm = "NFC",
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> Edits:
    """Find edits that turn ``source`` into ``target``.

    ``apply_edits(compute_edits(a, b)) == b`` for all texts of the normal form ``form``, and
    likewise with ``form`` and ``target_units`` given to both: a kept unit is the source's own,
    whether anyone has seen it before or not.

    As many units are kept as can be (a longest common subsequence); of the alignment found from
    the start and the one found from the end, the one with fewer places of change is taken. Where a
    place has as many units before as after, they are substituted one by one; otherwise the old
    ones are deleted and the new ones inserted behind them, so that "hope" and "jump" both get their
    "-ing" in one piece.

    Source: the longest common subsequence by rapidfuzz's ``Indel``.
    Cost: O(len(source) * len(target)) at worst.

    Args:
        source: The text that is rewritten.
        target: What it becomes.
        form: Unicode normal form of both.
        source_units: What is kept, deleted or substituted as a whole.
        target_units: What is written as a whole.

    Raises:
        ValueError: if the form or the units are unknown.

    >>> compute_edits("hope", "hoping")
    Edits(source=('h', 'o', 'p', 'e'), operations=(None, None, None, ''), \
insertions=((), (), (), (), ('i', 'n', 'g')))
    >>> compute_edits("tax", "t æ k s", target_units="spaced").operations
    (None, '', '')
    """
    return edit_units(
        split_units(source, source_units, form), split_units(target, target_units, form)
    )


def edit_units(before: Sequence[str], after: Sequence[str]) -> Edits:
    """Find edits between sequences of units, whatever the caller takes for one.

    Args:
        before: Units of the source.
        after: Units of the target.

    Cost and choice of the edits: those of :func:`compute_edits`.

    >>> edit_units(["k", "t͡ʃ"], ["k", "a"]).operations
    (None, 'a')
    """
    # Stretches of both are compared, and a list is no tuple.
    before, after = tuple(before), tuple(after)
    operations: list[str | None] = [KEEP] * len(before)
    insertions: list[tuple[str, ...]] = [()] * (len(before) + 1)
    for old, new in _find_changes(before, after):
        if len(old) == len(new):
            operations[old.start : old.stop] = after[new.start : new.stop]
        else:
            operations[old.start : old.stop] = [DELETE] * len(old)
            insertions[old.stop] = after[new.start : new.stop]
    return Edits(before, tuple(operations), tuple(insertions))


_Change = tuple[range, range]
"""A stretch of the source and what stands in its place in the target; one of them may be empty."""


def _find_changes(before: Sequence[str], after: Sequence[str]) -> list[_Change]:
    """Return what lies between the units that are kept, in as few places as is easily found."""
    sizes = len(before), len(after)
    found = []
    for changes in (
        _align(before, after),
        _mirror(_align(before[::-1], after[::-1]), *sizes),
    ):
        changes = _join_rightwards(before, after, changes)
        mirrored = _join_rightwards(before[::-1], after[::-1], _mirror(changes, *sizes))
        found.append(_mirror(mirrored, *sizes))
    return min(found, key=len)


def _align(before: Sequence[str], after: Sequence[str]) -> list[_Change]:
    """Return what lies between the units of a longest common subsequence."""
    changes = []
    old = new = 0
    for block in Indel.opcodes(before, after).as_matching_blocks():
        if block.a > old or block.b > new:
            changes.append((range(old, block.a), range(new, block.b)))
        old, new = block.a + block.size, block.b + block.size
    return changes


def _mirror(changes: list[_Change], n: int, m: int) -> list[_Change]:
    """Count places from the other end."""
    return [
        (range(n - old.stop, n - old.start), range(m - new.stop, m - new.start))
        for old, new in reversed(changes)
    ]


def _join_rightwards(
    before: Sequence[str], after: Sequence[str], changes: list[_Change]
) -> list[_Change]:
    """Move a change to the right where it then meets the next one.

    "hav[e 6 l]e[gs]" keeps as many units as "have[ 6 legs]", which is one change.
    """
    joined: list[_Change] = []
    for old, new in reversed(changes):
        if joined:
            next_old, next_new = joined[-1]
            kept = before[old.stop : next_old.start]
            size = len(kept)
            if kept == before[old.start :][:size] and kept == after[new.start :][:size]:
                old = range(old.start + size, next_old.stop)
                new = range(new.start + size, next_new.stop)
                joined.pop()
        joined.append((old, new))
    return joined[::-1]


def apply_edits(edits: Edits, form: NormalForm = "NFC", units: UnitsName = "graphemes") -> str:
    """Carry out the edits and write the result as a text.

    Args:
        edits: What to do.
        form: Unicode normal form of the target.
        units: What its units are, by which they are joined: graphemes as they stand, letters
            composed if the form is "NFC", spaced ones with a space between them.

    Raises:
        ValueError: if there is not one operation a unit and one insertion a gap, or the form or
            the units are unknown.

    >>> apply_edits(Edits(("a", "b"), (KEEP, DELETE), ((), (), ("!",))))
    'a!'
    """
    return join_units(written_units(edits), units, form)


def written_units(edits: Edits) -> tuple[str, ...]:
    """Carry out the edits and return the units of the target.

    Raises:
        ValueError: if there is not one operation a unit and one insertion a gap.

    >>> written_units(Edits(("a", "b"), (KEEP, DELETE), ((), (), ("!", "?"))))
    ('a', '!', '?')
    """
    source, operations, insertions = edits
    _expect_length("operations", operations, len(source))
    _expect_length("insertions", insertions, len(source) + 1)
    written = list(insertions[0])
    for unit, operation, inserted in zip(source, operations, insertions[1:], strict=True):
        if operation != DELETE:
            written.append(unit if operation is KEEP else operation)
        written.extend(inserted)
    return tuple(written)


def _expect_length(name: str, values: Sequence[object], length: int) -> None:
    if len(values) != length:
        raise ValueError(f"Expected '{name}' to have {length} entries (got {len(values)})")
