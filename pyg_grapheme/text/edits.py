"""Edits that turn one text into another, unit by unit and gap by gap."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from rapidfuzz.distance import Indel

KEEP = None
"""The operation that leaves a unit unchanged."""

DELETE = ""
"""The operation that removes a unit."""


class CaseMapping(Enum):
    """The operation that substitutes a unit by itself in another case.

    The first code point of the unit is mapped, if its mapping is a single code point and another
    one. "ß" has no such upper case.

    >>> CaseMapping.UPPER.map_first("é"), CaseMapping.UPPER.map_first("ß")
    ('É', None)
    """

    UPPER = "upper"
    LOWER = "lower"

    def map_first(self, unit: str) -> str | None:
        """Map the first code point of a unit; return None if the mapping is not one-to-one."""
        mapped = unit[:1].upper() if self is CaseMapping.UPPER else unit[:1].lower()
        return mapped + unit[1:] if len(mapped) == 1 and mapped != unit[0] else None


Operation: TypeAlias = str | CaseMapping | None
"""Change of a unit: :data:`KEEP`, :data:`DELETE`, a case mapping, or a unit in its place."""


class Edits(NamedTuple):
    """Changes of the n units of a source, and insertions in its n + 1 gaps.

    A unit is a code point, unless the texts were split in another way (``split_units``).

    Attributes:
        source: The n units.
        operations: n of :data:`KEEP`, :data:`DELETE`, a :class:`CaseMapping`, or the unit that
            takes the place of the unit.
        insertions: n + 1 tuples of units; tuple i goes before unit i, the last one behind the last
            unit.
    """

    source: tuple[str, ...]
    operations: tuple[Operation, ...]
    insertions: tuple[tuple[str, ...], ...]


def compute_edits(source: str, target: str) -> Edits:
    """Find edits of code points that turn ``source`` into ``target``.

    ``apply_edits(compute_edits(a, b)) == b`` for any two texts; neither is normalized.

    As many code points are kept as possible (a longest common subsequence); of the alignment found
    from the start and the one found from the end, the one with fewer places of change is taken.
    Where a place has as many code points before as after, they are substituted one by one, by a
    case mapping where that gives the new one; otherwise the old ones are deleted and the new ones
    inserted behind them, so that "hope" and "jump" both get their "-ing" in one piece.

    Source: the longest common subsequence by rapidfuzz's ``Indel``.
    Cost: O(len(source) * len(target)) at worst.

    >>> compute_edits("hope", "hoping")
    Edits(source=('h', 'o', 'p', 'e'), operations=(None, None, None, ''), \
insertions=((), (), (), (), ('i', 'n', 'g')))
    >>> compute_edits("an", "An").operations
    (<CaseMapping.UPPER: 'upper'>, None)
    """
    return edit_units(tuple(source), tuple(target))


def edit_units(before: Sequence[str], after: Sequence[str]) -> Edits:
    """Find edits between two sequences of units of any kind.

    Args:
        before: Units of the source.
        after: Units of the target.

    Cost and choice of the edits: those of :func:`compute_edits`.

    >>> edit_units(["k", "t͡ʃ"], ["k", "a"]).operations
    (None, 'a')
    """
    # Stretches of both are compared, and a list is no tuple.
    before, after = tuple(before), tuple(after)
    operations: list[Operation] = [KEEP] * len(before)
    insertions: list[tuple[str, ...]] = [()] * (len(before) + 1)
    for old, new in _find_changes(before, after):
        if len(old) == len(new):
            for i, j in zip(old, new, strict=True):
                operations[i] = _substitute(before[i], after[j])
        else:
            operations[old.start : old.stop] = [DELETE] * len(old)
            insertions[old.stop] = after[new.start : new.stop]
    return Edits(before, tuple(operations), tuple(insertions))


def _substitute(old: str, new: str) -> Operation:
    """Return the case mapping that turns one unit into another; if there is none, the other."""
    return next((case for case in CaseMapping if case.map_first(old) == new), new)


_Change = tuple[range, range]
"""A stretch of the source and what stands in its place in the target; one of them may be empty."""


def _find_changes(before: Sequence[str], after: Sequence[str]) -> list[_Change]:
    """Find what lies between the units that are kept, in as few places as two alignments give."""
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


def apply_edits(edits: Edits) -> str:
    """Carry out edits of code points and return the text.

    Raises:
        ValueError: if there is not one operation per unit and one insertion per gap, or a case
            mapping has no effect on its unit.

    >>> apply_edits(Edits(("a", "b"), (KEEP, DELETE), ((), (), ("!",))))
    'a!'
    """
    return "".join(written_units(edits))


def written_units(edits: Edits) -> tuple[str, ...]:
    """Carry out the edits and return the units of the target.

    Raises:
        ValueError: as :func:`apply_edits`.

    >>> written_units(Edits(("a", "b"), (CaseMapping.UPPER, DELETE), ((), (), ("!", "?"))))
    ('A', '!', '?')
    """
    source, operations, insertions = edits
    _expect_length("operations", operations, len(source))
    _expect_length("insertions", insertions, len(source) + 1)
    written = list(insertions[0])
    for unit, operation, inserted in zip(source, operations, insertions[1:], strict=True):
        if operation != DELETE:
            written.append(_edit_unit(unit, operation))
        written.extend(inserted)
    return tuple(written)


def _edit_unit(unit: str, operation: Operation) -> str:
    if operation is KEEP:
        return unit
    if isinstance(operation, str):
        return operation
    mapped = operation.map_first(unit)
    if mapped is None:
        raise ValueError(f"Expected a unit with another {operation.value} case (got {unit!r})")
    return mapped


def _expect_length(name: str, values: Sequence[object], length: int) -> None:
    if len(values) != length:
        raise ValueError(f"Expected '{name}' to have {length} entries (got {len(values)})")
