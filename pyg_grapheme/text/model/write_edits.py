"""Write the likeliest edits of merged texts, one after the other."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import to_dense_batch

from pyg_grapheme.text.model.common_prefix import CommonStart
from pyg_grapheme.text.model.edit_decoder import (
    DELETE,
    INSERT,
    KEEP,
    SUBSTITUTE,
    EditDecoder,
    ReaderMemory,
    Written,
)
from pyg_grapheme.text.model.lattice_rows import EditRows


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
    """Where the writing of T texts stands; each is moved on by at most one unit a step.

    Attributes:
        text: Which text each writes.
        row: Of what is edited next.
        copied: Units of the row that have been copied.
        inserted: Units that have been inserted in front of the row.
        written: Units written in all.
        shared: Of those at the start, how many are the source's.
        since: Units written behind them.
    """

    text: Tensor
    row: Tensor
    copied: Tensor
    inserted: Tensor
    written: Tensor
    shared: Tensor
    since: Tensor

    def take(self, which: Tensor) -> "_Pens":
        return _Pens(*(values[which] for values in self))


class _Memory(NamedTuple):
    """What the decoder has read of T texts: its last state [T, 1, H], and from where it goes on."""

    state: Tensor
    network: ReaderMemory

    def take(self, which: Tensor) -> "_Memory":
        network = ReaderMemory(*(values[:, which] for values in self.network))
        return _Memory(self.state[which], network)

    def read(self, more: Written, moved: Tensor) -> "_Memory":
        """Go on to what was read, where anything was written."""
        state = torch.where(moved[:, None, None], more.state, self.state)
        network = ReaderMemory(
            *(
                torch.where(moved[:, None], new, old)
                for new, old in zip(more.memory, self.network, strict=True)
            )
        )
        return _Memory(state, network)


class _Writer:
    """The greedy writing of B texts: what does not change from step to step."""

    def __init__(
        self,
        decoder: EditDecoder,
        rows: EditRows,
        context: Tensor,
        vocabulary: EmbeddedUnits,
        source: EmbeddedUnits,
        max_insert: int,
    ) -> None:
        self.decoder, self.rows, self.context, self.max_insert = decoder, rows, context, max_insert
        self.last = rows.length.cumsum(0) - 1
        self.length = rows.start[self.last]
        owner = torch.repeat_interleave(self.length)
        begins, _ = to_dense_batch(
            source.identity, owner, fill_value=-1, batch_size=context.size(0)
        )
        # Behind the last unit of the longest text there is no unit either.
        self.begins = F.pad(begins, (0, 1), value=-1)
        self.vocabulary, self.source = vocabulary.and_none(), source.and_none()
        self.nodes = decoder.node(rows.x)

    def begin(self) -> tuple[_Pens, _Memory]:
        """Before anything is written."""
        text = torch.arange(self.context.size(0), device=self.context.device)
        zero = torch.zeros_like(text)
        pens = _Pens(text, self.last + 1 - self.rows.length, zero, zero, zero, zero, zero)
        nothing = self.context.new_zeros(text.numel(), 0, self.context.size(1))
        read = self.decoder.read(nothing, nothing[..., 0], self._situate(pens))
        return pens, _Memory(*read)

    def decide(self, pens: _Pens, memory: _Memory) -> tuple[Tensor, Tensor]:
        """Choose what happens at each pen: operations and units, [T] each."""
        row = pens.row
        chosen, number = _choose(
            self.decoder,
            self.nodes[row],
            memory.state[:, 0],
            pens.written - self.rows.start[row],
            row == self.last[pens.text],
            pens.inserted >= self.max_insert,
        )
        return torch.where(pens.copied > 0, KEEP, chosen), number

    def write(
        self, pens: _Pens, memory: _Memory, chosen: Tensor, number: Tensor
    ) -> tuple[_Pens, _Memory]:
        """Carry it out; texts that have ended are gone."""
        keeps, writes = chosen == KEEP, chosen != DELETE
        node = self.rows.first[pens.row] + pens.copied
        identity = torch.where(keeps, self.source.identity[node], self.vocabulary.identity[number])
        unit = torch.where(keeps[:, None], self.source.x[node], self.vocabulary.x[number])
        going = torch.nonzero((pens.row != self.last[pens.text]) | writes).squeeze(1)
        pens = self._move(pens, chosen, identity).take(going)
        memory = memory.take(going)
        read = self.decoder.read(
            unit[going][:, None], pens.since[:, None], self._situate(pens), memory.network
        )
        return pens, memory.read(read, writes[going])

    def _move(self, pens: _Pens, chosen: Tensor, identity: Tensor) -> _Pens:
        keeps, inserts, writes = chosen == KEEP, chosen == INSERT, chosen != DELETE
        copied = pens.copied + keeps.long()
        leaves = ~inserts & (~keeps | (copied == self.rows.size[pens.row]))
        before = CommonStart(pens.shared, pens.since)
        after = before.write(self.begins[pens.text, pens.shared] == identity)
        return _Pens(
            pens.text,
            pens.row + leaves.long(),
            copied.masked_fill(leaves, 0),
            (pens.inserted + inserts.long()).masked_fill(leaves, 0),
            pens.written + writes.long(),
            *(torch.where(writes, new, old) for new, old in zip(after, before, strict=True)),
        )

    def _situate(self, pens: _Pens) -> Tensor:
        ahead = self.length[pens.text] - pens.shared
        return self.decoder.situate(self.context[pens.text], ahead[:, None], pens.since[:, None])


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
    writer = _Writer(decoder, rows, context, vocabulary, source, max_insert)
    operation, unit = torch.full_like(rows.size, DELETE), torch.zeros_like(rows.size)
    insert_row, insert_unit = [operation[:0]], [unit[:0]]
    pens, memory = writer.begin()
    while pens.text.numel():
        chosen, number = writer.decide(pens, memory)
        inserts = chosen == INSERT
        operation[pens.row[~inserts]] = chosen[~inserts]
        unit[pens.row[~inserts]] = number[~inserts]
        insert_row.append(pens.row[inserts])
        insert_unit.append(number[inserts])
        pens, memory = writer.write(pens, memory, chosen, number)
    return EditTrace(operation, unit, torch.cat(insert_row), torch.cat(insert_unit))


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
