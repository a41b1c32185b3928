"""How likely each edit is, given a node of the source and what has been written so far."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.nn.inits import reset

from pyg_grapheme.text.model.dropout import Dropout
from pyg_grapheme.text.model.edit_lattice import IMPOSSIBLE, EditScores
from pyg_grapheme.text.model.lattice_rows import EditRows

DELETE, KEEP, SUBSTITUTE, INSERT = range(4)
"""What may happen at a node, in the order of the logits. In the last row, DELETE ends the text."""

UNKNOWN_LOG_PROBABILITY = -30.0
"""Of writing a unit of a target that the vocabulary lacks."""


_CELLS = 2**18
"""Rows times columns that are scored at once."""


_NEAR_END = 3
"""Units ahead from which on it does not matter how many they are."""


class ReaderMemory(NamedTuple):
    """Where the two recurrent networks stand: hidden and cell state of each, [1, B, H]."""

    hidden: Tensor
    cell: Tensor
    new_hidden: Tensor
    new_cell: Tensor


class Written(NamedTuple):
    """What B texts look like so far.

    Attributes:
        state: [B, T, H], one a step.
        memory: From which the next steps go on.
    """

    state: Tensor
    memory: ReaderMemory


class EditDecoder(nn.Module):
    """Probabilities of the edits at a node, from its features and what has been written.

    Recurrent networks read what has been written; joined with a node of the source and with how
    far the two are apart (units written, less units of the source in front of the node), they say
    what happens there: the node is left out, kept, or a unit takes its place, or a unit is
    inserted in front of it. A unit has one distribution, whether it takes a place or is inserted.

    One of the networks reads every unit, the other only those that are new: of the others, with
    which text and source begin alike, it learns how many they are. With few texts to learn from,
    the first one takes a stem's own end for an ending that is written already; so that it is not
    relied on, it is dropped as a whole on some texts while training.

    Args:
        channels: F, features of a node.
        embedding_channels: D, features of an embedded unit, and of a text's tags.
        vocabulary_size: V, units that can be written.
        hidden: H.
        dropout: Probability of dropping a feature, and of training on a text without the network
            that reads every unit.
        max_distance: Distances beyond it count as it.

    Source: the joint network of Graves 2012, "Sequence transduction with recurrent neural
    networks", over edits instead of outputs and blanks.
    """

    needs_node: Tensor

    def __init__(
        self,
        channels: int,
        embedding_channels: int,
        vocabulary_size: int,
        hidden: int,
        dropout: float = 0.0,
        max_distance: int = 16,
    ) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.start = nn.Parameter(torch.empty(embedding_channels))
        self.reader = nn.LSTM(2 * embedding_channels, hidden, batch_first=True)
        self.new_reader = nn.LSTM(2 * embedding_channels, hidden, batch_first=True)
        self.written = nn.Linear(2 * hidden + embedding_channels, hidden)
        self.ahead = nn.Embedding(_NEAR_END + 1, embedding_channels)
        self.since = nn.Embedding(max_distance + 1, embedding_channels)
        self.node = nn.Linear(channels, hidden)
        self.distance = nn.Embedding(2 * max_distance + 1, hidden)
        self.joint = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.operation = nn.Linear(hidden, 4)
        self.unit = nn.Linear(hidden, vocabulary_size)
        self.dropout = Dropout(dropout)
        self.register_buffer(
            "needs_node", torch.tensor([False, True, True, False]), persistent=False
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.start, std=0.5)
        for module in self.children():
            reset(module)
        for embedding in (self.distance, self.ahead, self.since):
            nn.init.normal_(embedding.weight, std=0.5)

    def situate(self, context: Tensor, ahead: Tensor, since: Tensor) -> Tensor:
        """Say where the writing stands in the source, beside what the tags ask for.

        Without it, an ending that looks like the end of the stem passes for written already.

        Args:
            context: [B, D], the tags of each text.
            ahead: [B, T], units of the source behind what it and the text have in common at their
                start; more than three count as three.
            since: [B, T], units written behind that.

        Returns:
            [B, T, D].
        """
        # Exact counts of what is ahead would tell the texts of a small training set apart.
        ahead, since = ahead.clamp(max=_NEAR_END), since.clamp(max=self.max_distance)
        situated: Tensor = context[:, None] + self.ahead(ahead) + self.since(since)
        return situated

    def read(
        self, units: Tensor, since: Tensor, context: Tensor, memory: ReaderMemory | None = None
    ) -> Written:
        """Read what is written.

        Args:
            units: [B, M, D], embedded.
            since: [B, M], units written behind what a text and its source have in common at their
                start, each unit itself included: 0 of one in common.
            context: [B, T, D], by :meth:`situate`.
            memory: Of what was read before, and then T = M; None at the start, and then T = M + 1,
                the first state being that before anything is written.
        """
        new = units * (since > 0)[..., None]
        if memory is None:
            first = self.start.expand(units.size(0), 1, -1)
            units, new = (torch.cat([first, values], dim=1) for values in (units, new))
        read, (hidden, cell) = self.reader(
            self.dropout(torch.cat([units, context], dim=2)),
            memory and (memory.hidden, memory.cell),
        )
        read_new, (new_hidden, new_cell) = self.new_reader(
            self.dropout(torch.cat([new, context], dim=2)),
            memory and (memory.new_hidden, memory.new_cell),
        )
        if self.training:
            read = read * (torch.rand_like(read[:, :1, :1]) >= self.dropout.p)
        state = self.written(self.dropout(torch.cat([read, read_new, context], dim=2)))
        return Written(state, ReaderMemory(hidden, cell, new_hidden, new_cell))

    def logits(self, node: Tensor, written: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        """Score what may happen: operations [..., 4] and units [..., V].

        Args:
            node: [..., H], by :attr:`node`.
            written: [..., H].
            distance: [...], units written less units in front of the node.
        """
        far = distance.clamp(-self.max_distance, self.max_distance) + self.max_distance
        joined = self.joint(node + written + self.distance(far))
        if self.training:
            # One mask for all columns of a row: as good, and a mask an entry would cost as much
            # as the layers.
            joined = joined * self.dropout(torch.ones_like(joined[..., :1, :]))
        return self.operation(joined), self.unit(joined)

    def forward(self, rows: EditRows, written: Tensor, target: Tensor, fits: Tensor) -> EditScores:
        """Score all edits that may lead to given targets.

        Args:
            rows: Of Q nodes and ends.
            written: [B, M + 1, H], the states of each target.
            target: [B, M], numbers of its units; negative ones are unknown.
            fits: [Q, M + 1], whether the target goes on with the units of the node.

        Cost: O(Q M H (H + V)); of long texts, what is between is worked out again in the backward
            pass, which bounds the memory.
        """
        arguments = (rows.x, rows.text, rows.size, rows.start, fits)
        blocks = -(-fits.numel() // _CELLS)
        if blocks <= 1:
            return EditScores(*self._score(*arguments, written, target))
        parts = zip(*(values.chunk(blocks) for values in arguments), strict=True)
        scored = [
            checkpoint(self._score, *part, written, target, use_reentrant=False) for part in parts
        ]
        return EditScores(*(torch.cat(values) for values in zip(*scored, strict=True)))

    def _score(
        self,
        x: Tensor,
        text: Tensor,
        size: Tensor,
        start: Tensor,
        fits: Tensor,
        written: Tensor,
        target: Tensor,
    ) -> tuple[Tensor, ...]:
        column = torch.arange(written.size(1), device=target.device)
        logits = self.logits(
            self.node(self.dropout(x))[:, None], written[text], column - start[:, None]
        )
        # Half precision has no number for what is impossible.
        wide = torch.promote_types(logits[0].dtype, torch.float32)
        # At its end a text can only go on or stop.
        barred = (size == 0)[:, None, None] & self.needs_node
        operation = logits[0].to(wide).masked_fill(barred, IMPOSSIBLE).log_softmax(dim=-1)
        unit = logits[1].to(wide).log_softmax(dim=-1)
        number = F.pad(target, (0, 1), value=-1)[text]
        write = torch.full_like(operation[..., 0], UNKNOWN_LOG_PROBABILITY)
        if unit.size(2):
            known = unit.gather(2, number.clamp(min=0)[..., None]).squeeze(2)
            write = torch.where(number < 0, write, known)
        keep = torch.where(fits, operation[..., KEEP], IMPOSSIBLE)
        substitute = operation[..., SUBSTITUTE] + write
        return operation[..., DELETE], keep, substitute, operation[..., INSERT] + write
