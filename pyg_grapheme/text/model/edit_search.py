"""Search for the most probable edits of merged texts."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import to_dense_batch

from pyg_grapheme.text.model.common_prefix import CommonPrefix, following_units
from pyg_grapheme.text.model.edit_decoder import (
    DELETE,
    INSERT,
    KEEP,
    LOWER,
    SUBSTITUTE,
    UPPER,
    EditDecoder,
    PrefixMemory,
    PrefixState,
)
from pyg_grapheme.text.model.edit_lattice import IMPOSSIBLE
from pyg_grapheme.text.model.hypotheses import (
    ENDED,
    Choices,
    EditPath,
    Hypotheses,
    best_per_group,
    merge_hypotheses,
    trace_back,
)
from pyg_grapheme.text.model.lattice_rows import LatticeRows, first_units

_COPIES = (KEEP, UPPER, LOWER)

_HASH_BASE = 1_000_003


class SourceUnits(NamedTuple):
    """The N units of the sources, and what a copy can make of each.

    Attributes:
        case: [N, 2], label of each unit in upper and lower case; -1 for none.
        label: [3, N], label of each unit as it is, in upper case, in lower case.
        unit: [3, N], index of these in the vocabulary; -1 for none.
        x: [3, N, D], features of these; anything where there is no such case.
    """

    case: Tensor
    label: Tensor
    unit: Tensor
    x: Tensor


def search_edits(
    decoder: EditDecoder,
    rows: LatticeRows,
    context: Tensor,
    vocabulary: tuple[Tensor, Tensor],
    source: SourceUnits,
    max_insert: int,
    beam: int = 1,
) -> list[list[EditPath]]:
    """Search for the most probable edits of B texts, edit by edit.

    A beam of 1 takes the most probable edit at each step. A larger one keeps that many prefixes per
    text; prefixes that write the same and go on at the same place are merged.

    Args:
        decoder: The model of the edits.
        rows: Rows of B merged texts, one merge per text.
        context: [B, D], tags of each text.
        vocabulary: Labels [V] and features [V, D] of the units that can be written.
        source: The N units of the sources.
        max_insert: Maximum of units inserted in one place.
        beam: Maximum of hypotheses per text.

    Returns:
        Up to ``beam`` paths per text, the most probable first.

    Cost: one step of the decoder for each unit written and each node deleted, for all hypotheses of
        all texts at once.
    """
    search = _Search(decoder, rows, context, vocabulary, source, max_insert, beam)
    hypotheses, state = search.begin()
    history: list[Choices] = []
    while (live := search.find_live(hypotheses)).numel():
        choices = search.choose(hypotheses, live, state)
        moved = search.carry_out(hypotheses, choices)
        if beam > 1:
            choices, moved = merge_hypotheses(choices, moved, beam)
        state = search.read(live, choices, moved, state)
        history.append(choices)
        hypotheses = moved
    return trace_back(hypotheses, history, context.size(0))


class _Search:
    """A search: what does not change from step to step, and the parts of a step."""

    def __init__(
        self,
        decoder: EditDecoder,
        rows: LatticeRows,
        context: Tensor,
        vocabulary: tuple[Tensor, Tensor],
        source: SourceUnits,
        max_insert: int,
        beam: int,
    ) -> None:
        self.decoder, self.rows, self.context = decoder, rows, context
        self.max_insert, self.beam = max_insert, beam
        self.last = rows.length.cumsum(0) - 1
        self.source_length = rows.start[self.last]
        self.vocabulary_size, self.num_units = vocabulary[0].numel(), source.case.size(0)
        # All that can be written in one step: the vocabulary, the units of the sources, their upper
        # and lower cases. The last row is a dummy for edits that write nothing.
        self.label = F.pad(torch.cat([vocabulary[0], source.label.flatten()]), (0, 1), value=-1)
        known = torch.arange(self.vocabulary_size, device=context.device)
        self.unit = F.pad(torch.cat([known, source.unit.flatten()]), (0, 1), value=-1)
        self.x = F.pad(torch.cat([vocabulary[1], source.x.flatten(0, 1)]), (0, 0, 0, 1))
        owner = torch.repeat_interleave(self.source_length)
        begins, _ = to_dense_batch(
            source.label[0], owner, fill_value=-1, batch_size=context.size(0)
        )
        self.source, _ = to_dense_batch(
            source.unit[0], owner, fill_value=-1, batch_size=context.size(0)
        )
        # Behind the last unit of the longest text there is no unit either.
        self.begins = F.pad(begins, (0, 1), value=-1)
        self.allowed = decoder.allowed_operations(rows.size > 0, first_units(rows, source.case))
        self.first = first_units(rows, source.unit[0])
        self.nodes = decoder.node(rows.x)

    def begin(self) -> tuple[Hypotheses, PrefixState]:
        """Return the empty prefixes."""
        text = torch.arange(self.context.size(0), device=self.context.device)
        zero = torch.zeros_like(text)
        first = self.last + 1 - self.rows.length
        score = zero.double()
        hypotheses = Hypotheses(text, first, zero, zero, zero, zero, zero, zero - 1, zero, score)
        nothing = self.context.new_zeros(text.numel(), 0, self.context.size(1))
        context = self._context(hypotheses)
        return hypotheses, self.decoder.encode_prefix(nothing, nothing[..., 0], context)

    def find_live(self, hypotheses: Hypotheses) -> Tensor:
        """Return the indices of the hypotheses that have not ended."""
        return (hypotheses.row <= self.last[hypotheses.text]).nonzero().view(-1)

    def choose(self, hypotheses: Hypotheses, live: Tensor, state: PrefixState) -> Choices:
        """Choose the edits of a step; a hypothesis that has ended stays.

        One per text, or twice as many as the beam, since some will be merged.
        """
        is_ended = torch.ones_like(hypotheses.text, dtype=torch.bool)
        is_ended[live] = False
        ended = is_ended.nonzero().view(-1)
        stay = Choices(
            ended,
            hypotheses.row[ended],
            torch.full_like(ended, ENDED),
            torch.full_like(ended, self.label.numel() - 1),
            hypotheses.log_probability[ended],
        )
        edits = self._list_edits(hypotheses.take(live), live, state.state[:, 0])
        choices = Choices(*(torch.cat(pair) for pair in zip(edits, stay, strict=True)))
        number = 1 if self.beam == 1 else 2 * self.beam
        text = hypotheses.text[choices.parent]
        return choices.take(best_per_group(choices.log_probability, text, number))

    def _list_edits(self, live: Hypotheses, index: Tensor, prefix: Tensor) -> Choices:
        """List the edits of L live hypotheses that may be the best ones."""
        row = live.row
        following = following_units(self.source[live.text], live.last[:, None])[:, 0]
        repeats = torch.stack([live.last, following, self.first[row]], dim=1)
        operation, unit = self.decoder.log_probabilities(
            self.nodes[row],
            prefix,
            live.written - self.rows.start[row],
            repeats,
            self.allowed[row],
        )
        is_full = (live.inserted >= self.max_insert)[:, None]
        number = min(self.beam, self.vocabulary_size)
        write, written = unit.topk(number) if number else (unit, unit.long())
        score = torch.cat(
            [
                operation[:, [DELETE]],
                operation[:, KEEP:],
                operation[:, [SUBSTITUTE]] + write,
                (operation[:, [INSERT]] + write).masked_fill(is_full, IMPOSSIBLE),
            ],
            dim=1,
        )
        # A node that is copied is copied to its end.
        is_copying = live.copied > 0
        score = score.masked_fill(is_copying[:, None], IMPOSSIBLE)
        score[:, 1].masked_fill_(is_copying, 0.0)
        node = self.rows.first[row] + live.copied
        copied = [self.vocabulary_size + case * self.num_units + node for case in range(3)]
        dummy = torch.full_like(node, self.label.numel() - 1)
        columns = torch.cat([torch.stack([dummy, *copied], dim=1), written, written], dim=1)
        operations = [DELETE, *_COPIES, *[SUBSTITUTE] * number, *[INSERT] * number]
        which, column = (score > IMPOSSIBLE / 2).nonzero(as_tuple=True)
        return Choices(
            index[which],
            row[which],
            torch.tensor(operations, device=row.device)[column],
            columns[which, column],
            live.log_probability[which] + score[which, column],
        )

    def carry_out(self, hypotheses: Hypotheses, choices: Choices) -> Hypotheses:
        """Return the hypotheses that edits lead to."""
        before, operation = hypotheses.take(choices.parent), choices.operation
        copies, inserts = operation >= KEEP, operation == INSERT
        writes = copies | inserts | (operation == SUBSTITUTE)
        copied = before.copied + copies.long()
        is_done = copied == self.rows.size[choices.row.clamp(max=self.rows.size.numel() - 1)]
        leaves = (operation == DELETE) | (operation == SUBSTITUTE) | (copies & is_done)
        label = self.label[choices.unit]
        common = CommonPrefix(before.common, before.num_new)
        longer = common.append(self.begins[before.text, before.common] == label)
        common_length, num_new = (
            torch.where(writes, new, old) for new, old in zip(longer, common, strict=True)
        )
        return Hypotheses(
            before.text,
            before.row + leaves.long(),
            copied.masked_fill(leaves, 0),
            (before.inserted + inserts.long()).masked_fill(leaves, 0),
            before.written + writes.long(),
            common_length,
            num_new,
            torch.where(writes, self.unit[choices.unit], before.last),
            torch.where(writes, before.key * _HASH_BASE + label, before.key),
            choices.log_probability,
        )

    def read(
        self, live: Tensor, choices: Choices, moved: Hypotheses, state: PrefixState
    ) -> PrefixState:
        """Let the decoder read what the live hypotheses have written.

        Args:
            live: Indices of the hypotheses that the state belongs to.
            choices: The edits.
            moved: The hypotheses that they lead to.
            state: State before.

        Returns:
            The state of those that are live now.
        """
        going = self.find_live(moved)
        choices, moved = choices.take(going), moved.take(going)
        parent = torch.searchsorted(live, choices.parent)
        memory = PrefixMemory(*(values[:, parent] for values in state.memory))
        read = self.decoder.encode_prefix(
            self.x[choices.unit][:, None], moved.num_new[:, None], self._context(moved), memory
        )
        writes = (choices.operation != DELETE)[:, None]
        mixed = [torch.where(writes, *pair) for pair in zip(read.memory, memory, strict=True)]
        prefix = torch.where(writes[..., None], read.state, state.state[parent])
        return PrefixState(prefix, PrefixMemory(*mixed))

    def _context(self, hypotheses: Hypotheses) -> Tensor:
        remaining = self.source_length[hypotheses.text] - hypotheses.common
        return self.decoder.decoder_context(
            self.context[hypotheses.text], remaining[:, None], hypotheses.num_new[:, None]
        )
