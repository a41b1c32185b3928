"""Edits of a text from the edits of the nodes of its merged graph."""

from collections.abc import Sequence

from pyg_grapheme.text.edits import DELETE, KEEP, CaseMapping, Edits, Operation
from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.hypotheses import EditPath
from pyg_grapheme.text.vocabulary import Vocabulary

_COPIES: dict[int, Operation] = {
    edit_decoder.KEEP: KEEP,
    edit_decoder.UPPER: CaseMapping.UPPER,
    edit_decoder.LOWER: CaseMapping.LOWER,
}


def read_path(
    path: EditPath, first: Sequence[int], units: Sequence[str], vocabulary: Vocabulary
) -> Edits:
    """Return what happens to each unit of a text.

    A node that is substituted has the new unit in the place of its first unit and none in those of
    the others. A case mapping is one of its first unit.

    Args:
        path: The edits of its nodes.
        first: Index of the first unit of the node of each row; of the end, the number of units.
        units: Units of the text.
        vocabulary: Units that can be written.

    Cost: O(steps + units).
    """
    operations: list[Operation] = [DELETE] * len(units)
    insertions: list[tuple[str, ...]] = [()] * (len(units) + 1)
    at = 0
    for row, operation, unit in path.steps:
        start = first[row]
        if operation == edit_decoder.INSERT:
            insertions[start] += (vocabulary[unit],)
        elif operation == edit_decoder.SUBSTITUTE:
            operations[start] = vocabulary[unit]
        elif operation in _COPIES:
            # The steps of one node copy its units, one after the other.
            at = max(at, start)
            operations[at] = _COPIES[operation]
            at += 1
    return Edits(tuple(units), tuple(operations), tuple(insertions))
