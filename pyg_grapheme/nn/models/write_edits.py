"""Write the likeliest edits of merged texts, one after the other."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import to_dense_batch

from pyg_grapheme.nn.common_start import CommonStart
from pyg_grapheme.nn.edit_decoder import DELETE, INSERT, KEEP, SUBSTITUTE, EditDecoder
from pyg_grapheme.nn.edit_rows import EditRows


class EditTrace(NamedTuple):
    """What was decided for Q rows.

    Attributes:
        operation: [Q], what happens to each row's node: DELETE, KEEP or SUBSTITUTE.
        unit: [Q], the number of the unit that takes its place, where one does.
        insert_row: [I], in front of which row each unit is inserted, in the order of writing.
        insert_unit: [I], which.
    """

    operation: Tensor
    unit: Tensor
    insert_row: Tensor
    insert_unit: Tensor


class EmbeddedUnits(NamedTuple):
    """Some units: which they are [K], and their features [K, D]."""

    identity: Tensor
    x: Tensor

    def and_none(self) -> "EmbeddedUnits":
        """One more: what is looked at, for nothing, where there is no unit."""
        return EmbeddedUnits(F.pad(self.identity, (0, 1), value=-1), F.pad(self.x, (0, 0, 0, 1)))


class _Pens(NamedTuple):
    """Where the writing of B texts stands; each is moved on by at most one unit a step.

    Attributes:
        row: Of what is edited next.
        copied: Units of the row that have been copied.
        inserted: Units that have been inserted in front of the row.
        written: Units written in all.
    """

    row: Tensor
    copied: Tensor
    inserted: Tensor
    written: Tensor


def write_edits(
    decoder: EditDecoder,
    rows: EditRows,
    context: Tensor,
    vocabulary: EmbeddedUnits,
    source: EmbeddedUnits,
    max_insert: int,
) -> EditTrace:
    """Take the likeliest edit at each step until every text has ended.

    Args:
        decoder: What says how likely each is.
        rows: Of B merged texts, one of each.
        context: [B, D].
        vocabulary: The V units that can be written.
        source: The N units of the sources.
        max_insert: Units inserted in one place at most.

    Cost: one step of the decoder for each unit written and each node that is left out, all texts
        side by side.
    """
    last = rows.length.cumsum(0) - 1
    length = rows.start[last]
    begins, _ = to_dense_batch(
        source.identity, torch.repeat_interleave(length), fill_value=-1, batch_size=length.numel()
    )
    vocabulary, source = vocabulary.and_none(), source.and_none()
    text = torch.arange(context.size(0), device=context.device)
    zero = torch.zeros_like(text)
    common = CommonStart(zero, zero)
    nodes = decoder.node(rows.x)
    operation = torch.full_like(rows.size, DELETE)
    unit = torch.zeros_like(rows.size)
    inserts: list[tuple[Tensor, Tensor]] = []
    pens = _Pens(last + 1 - rows.length, zero, zero, zero)
    nothing = context.new_zeros(text.numel(), 0, context.size(1))
    state, memory = decoder.read(nothing, _situate(decoder, context, common, length))
    while text.numel():
        row, copied, inserted, written = pens
        at_end = row == last[text]
        chosen, number = _choose(
            decoder,
            nodes[row],
            state[:, 0],
            written - rows.start[row],
            at_end,
            inserted >= max_insert,
        )
        chosen = torch.where(copied > 0, KEEP, chosen)
        decided = chosen != INSERT
        operation[row[decided]] = chosen[decided]
        unit[row[decided]] = number[decided]
        inserts.append((row[~decided], number[~decided]))
        writes = chosen != DELETE
        keeps = chosen == KEEP
        node = rows.first[row] + copied
        copied = torch.where(keeps, copied + 1, copied)
        leaves = decided & (~keeps | (copied == rows.size[row]))
        going = ~(at_end & (chosen == DELETE))
        pens = _Pens(
            torch.where(leaves, row + 1, row),
            copied.masked_fill(leaves, 0),
            torch.where(leaves, 0, inserted + (~decided).long()),
            written + writes.long(),
        )
        fed = torch.where(keeps[:, None], source.x[node], vocabulary.x[number])
        identity = torch.where(keeps, source.identity[node], vocabulary.identity[number])
        after = common.write(begins[text] == identity[:, None])
        common = CommonStart(
            *(torch.where(writes, new, old)[going] for new, old in zip(after, common, strict=True))
        )
        text = text[going]
        pens = _Pens(*(value[going] for value in pens))
        read = decoder.read(
            fed[going][:, None],
            _situate(decoder, context[text], common, length[text]),
            (memory[0][:, going], memory[1][:, going]),
        )
        moved = writes[going]
        state = torch.where(moved[:, None, None], read.state, state[going])
        hidden, cell = (
            torch.where(moved[:, None], new, old[:, going])
            for new, old in zip(read.memory, memory, strict=True)
        )
        memory = hidden, cell
    insert_row, insert_unit = (torch.cat(values) for values in zip(*inserts, strict=True))
    return EditTrace(operation, unit, insert_row, insert_unit)


def _situate(decoder: EditDecoder, context: Tensor, common: CommonStart, length: Tensor) -> Tensor:
    ahead = length - common.units
    return decoder.situate(context, ahead[:, None], common.since[:, None])


def _choose(
    decoder: EditDecoder,
    node: Tensor,
    written: Tensor,
    distance: Tensor,
    at_end: Tensor,
    full: Tensor,
) -> tuple[Tensor, Tensor]:
    """The likeliest operation of each text, and the unit it would write."""
    operation, unit = decoder.logits(node, written, distance)
    operation = operation.masked_fill(at_end[:, None] & decoder.needs_node, float("-inf"))
    operation = operation.log_softmax(dim=1)
    if unit.size(1) == 0:
        best, number = (
            unit.new_full((unit.size(0),), float("-inf")),
            torch.zeros_like(written[:, 0], dtype=torch.long),
        )
    else:
        best, number = unit.log_softmax(dim=1).max(dim=1)
    write = operation[:, [SUBSTITUTE, INSERT]] + best[:, None]
    write[:, 1] = write[:, 1].masked_fill(full, float("-inf"))
    return torch.cat([operation[:, [DELETE, KEEP]], write], dim=1).argmax(dim=1), number
