"""Edits of texts from what was decided about the nodes of their merged graphs."""

from collections.abc import Sequence

from pyg_grapheme.text.edits import DELETE, KEEP, Edits
from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.lattice_rows import EditRows
from pyg_grapheme.text.model.write_edits import EditTrace
from pyg_grapheme.text.vocabulary import Vocabulary


def read_trace(
    trace: EditTrace, rows: EditRows, texts: Sequence[Sequence[str]], vocabulary: Vocabulary
) -> list[Edits]:
    """Say what happens to each unit of each text.

    A node that is replaced has the new unit in the place of its first unit and none in those of
    the others.

    Args:
        trace: What was decided for the Q rows of B merged texts.
        rows: Those rows.
        texts: The units of each.
        vocabulary: The units that can be written.

    Cost: O(Q + units).
    """
    inserted: dict[int, list[str]] = {}
    for row, unit in zip(trace.insert_row.tolist(), trace.insert_unit.tolist(), strict=True):
        inserted.setdefault(row, []).append(vocabulary[unit])
    operation, unit, size = trace.operation.tolist(), trace.unit.tolist(), rows.size.tolist()
    edits, row = [], 0
    for text, length in zip(texts, rows.length.tolist(), strict=True):
        operations: list[str | None] = []
        insertions: list[tuple[str, ...]] = []
        for r in range(row, row + length):
            insertions.append(tuple(inserted.get(r, ())))
            insertions += [()] * (size[r] - 1)
            if operation[r] == edit_decoder.KEEP:
                operations += [KEEP] * size[r]
            elif operation[r] == edit_decoder.SUBSTITUTE:
                operations += [vocabulary[unit[r]]] + [DELETE] * (size[r] - 1)
            else:
                operations += [DELETE] * size[r]
        edits.append(Edits(tuple(text), tuple(operations), tuple(insertions)))
        row += length
    return edits
