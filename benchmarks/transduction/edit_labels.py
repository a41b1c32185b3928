"""Edits of sequences of any units, as the labels of a tagger."""

from typing import NamedTuple

from pyg_grapheme.data import DELETE, KEEP, compute_edits

Units = tuple[str, ...]


class Labels(NamedTuple):
    """What to do with n units.

    Attributes:
        operations: [n]; KEEP, DELETE, or the unit that takes its place.
        insertions: [n + 1]; what goes into each gap, the first before the first unit.
    """

    operations: tuple[str | None, ...]
    insertions: tuple[Units, ...]


def label_units(source: Units, target: Units) -> Labels:
    """Find edits by :func:`compute_edits`, a unit being whatever the caller takes for one.

    >>> label_units(("k", "t͡ʃ"), ("k", "a"))
    Labels(operations=(None, 'a'), insertions=((), (), ()))
    """
    # A private character stands for each unit: no two of them make one grapheme.
    units = sorted({*source, *target})
    letter = {unit: chr(0xF0000 + number) for number, unit in enumerate(units)}
    back = {character: unit for unit, character in letter.items()}
    texts = ("".join(letter[unit] for unit in side) for side in (source, target))
    edits = compute_edits(*texts, "none")
    operations = tuple(back.get(o, o) if o is not None else KEEP for o in edits.operations)
    insertions = tuple(tuple(back[c] for c in gap) for gap in edits.insertions)
    return Labels(operations, insertions)


def apply_labels(source: Units, labels: Labels) -> Units:
    """Carry labels out."""
    written = list(labels.insertions[0])
    for unit, operation, inserted in zip(
        source, labels.operations, labels.insertions[1:], strict=True
    ):
        if operation is KEEP:
            written.append(unit)
        elif operation != DELETE:
            written.append(operation)
        written.extend(inserted)
    return tuple(written)
