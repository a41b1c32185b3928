"""Probabilities of edits, given a node of the source and the written prefix of the target."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.nn.inits import reset

from pyg_grapheme.text.model.edit_lattice import IMPOSSIBLE, EditScores
from pyg_grapheme.text.model.lattice_rows import LatticeRows

DELETE, SUBSTITUTE, INSERT, KEEP, UPPER, LOWER = range(6)
"""The edits at a node, in the order of the logits. In the last row, DELETE ends the text. The last
three copy the node: as it is, or with its first code point in upper or lower case."""

UNKNOWN_LOG_PROBABILITY = -30.0
"""Log-probability of writing a unit of a target that the vocabulary lacks."""

_CELLS = 2**18
"""Maximum of rows times columns that are scored at once."""

_MAX_REMAINING = 3
"""Larger numbers of remaining units count as this one."""


class PrefixMemory(NamedTuple):
    """Hidden and cell state of the two recurrent networks, [1, B, H] each."""

    hidden: Tensor
    cell: Tensor
    new_hidden: Tensor
    new_cell: Tensor


class PrefixState(NamedTuple):
    """The prefixes of B texts, encoded.

    Attributes:
        state: [B, T, H], one per step.
        memory: The state of the networks behind the last step.
    """

    state: Tensor
    memory: PrefixMemory


class EditDecoder(nn.Module):
    """Probabilities of the edits at a node, from its features and the written prefix.

    Recurrent networks read the prefix. Their state, a node of the source, and the distance between
    the two (units written less units of the source in front of the node) determine the edit: the
    node is deleted, copied, substituted by a unit, or a unit is inserted in front of it. A copy
    keeps the node, or maps the case of its first code point. A unit has one distribution, whether
    it is substituted or inserted. Three units get an additional logit, so that what happens to all
    letters need not be learned for each: the last written unit (doubling, as in "hopped"), the
    first unit of the node, and the unit that follows the last written one in the source (moving, as
    in German "abrunden", "rundet ab").

    One of the networks reads every unit. The other one reads only the new units: of those that text
    and source have in common at their start, it reads the number. With few texts to learn from, the
    first network mistakes the end of a stem for an ending that is already written; in training it
    is therefore dropped as a whole for some texts.

    Args:
        channels: F, features per node.
        embedding_channels: D, features of an embedded unit, and of the tags of a text.
        vocabulary_size: V, units that can be written.
        hidden: H.
        dropout: Probability of dropping a feature, and of training on a text without the network
            that reads every unit.
        max_distance: Larger distances count as this one.
        map_case: Whether a copy may map the case.

    Source: the joint network of Graves 2012, "Sequence transduction with recurrent neural
    networks", over edits instead of outputs and blanks.
    """

    def __init__(
        self,
        channels: int,
        embedding_channels: int,
        vocabulary_size: int,
        hidden: int,
        dropout: float = 0.0,
        max_distance: int = 16,
        map_case: bool = True,
    ) -> None:
        super().__init__()
        self.max_distance, self.map_case = max_distance, map_case
        self.start = nn.Parameter(torch.empty(embedding_channels))
        self.prefix_reader = nn.LSTM(2 * embedding_channels, hidden, batch_first=True)
        self.new_reader = nn.LSTM(2 * embedding_channels, hidden, batch_first=True)
        self.prefix = nn.Linear(2 * hidden + embedding_channels, hidden)
        self.remaining = nn.Embedding(_MAX_REMAINING + 1, embedding_channels)
        self.num_new = nn.Embedding(max_distance + 1, embedding_channels)
        self.node = nn.Linear(channels, hidden)
        self.distance = nn.Embedding(2 * max_distance + 1, hidden)
        self.joint = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.operation = nn.Linear(hidden, LOWER + 1)
        self.unit = nn.Linear(hidden, vocabulary_size)
        self.repeat = nn.Linear(hidden, 3)
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.start, std=0.5)
        for module in self.children():
            reset(module)
        for embedding in (self.distance, self.remaining, self.num_new):
            nn.init.normal_(embedding.weight, std=0.5)

    def decoder_context(self, tags: Tensor, remaining: Tensor, num_new: Tensor) -> Tensor:
        """Encode the place in the source behind the common prefix, together with the tags.

        Without it, an ending that looks like the end of the stem passes for already written.

        Args:
            tags: [B, D], the tags of each text.
            remaining: [B, T], units of the source behind the prefix that it has in common with the
                text; more than three count as three.
            num_new: [B, T], units of the text behind that prefix.

        Returns:
            [B, T, D].
        """
        # Exact numbers of remaining units would identify the texts of a small training set.
        remaining = remaining.clamp(max=_MAX_REMAINING)
        num_new = num_new.clamp(max=self.max_distance)
        context: Tensor = tags[:, None] + self.remaining(remaining) + self.num_new(num_new)
        return context

    def encode_prefix(
        self, units: Tensor, num_new: Tensor, context: Tensor, memory: PrefixMemory | None = None
    ) -> PrefixState:
        """Encode written units.

        Args:
            units: [B, M, D], embedded.
            num_new: [B, M], units behind the common prefix of a text and its source, up to and with
                each unit: 0 for a unit in the common prefix.
            context: [B, T, D], by :meth:`decoder_context`.
            memory: State behind the units before, with T = M; None at the start, with T = M + 1,
                where the first step is the empty prefix.
        """
        is_new = num_new > 0
        if memory is None:
            units = torch.cat([self.start.expand(units.size(0), 1, -1), units], dim=1)
            is_new = F.pad(is_new, (1, 0), value=True)
        units, context = self.dropout(units), self.dropout(context)
        every, (hidden, cell) = _read(
            self.prefix_reader,
            torch.cat([units, context], dim=2),
            memory and (memory.hidden, memory.cell),
        )
        only_new, (new_hidden, new_cell) = _read(
            self.new_reader,
            torch.cat([units * is_new[..., None], context], dim=2),
            memory and (memory.new_hidden, memory.new_cell),
        )
        if self.training:
            every = every * (torch.rand_like(every[:, :1, :1]) >= self.dropout.p)
        read = self.dropout(torch.cat([every, only_new], dim=2))
        state = self.prefix(torch.cat([read, context], dim=2))
        return PrefixState(state, PrefixMemory(hidden, cell, new_hidden, new_cell))

    def allowed_operations(self, is_node: Tensor, case: Tensor) -> Tensor:
        """Return which edits are possible.

        Args:
            is_node: [Q], False for the end of a text, where it can only end or go on.
            case: [Q, 2], label of the first unit in upper and lower case; -1 where a case mapping
                has no effect.

        Returns:
            [Q, 6].
        """
        mapped = (case >= 0) & is_node[:, None] & self.map_case
        always, node = torch.ones_like(is_node), is_node
        return torch.cat([torch.stack([always, node, always, node], dim=1), mapped], dim=1)

    def logits(
        self, node: Tensor, prefix: Tensor, distance: Tensor, repeats: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score the edits: operations [..., 6] and units [..., V].

        Args:
            node: [..., H], by :attr:`node`.
            prefix: [..., H].
            distance: [...], units written less units in front of the node.
            repeats: [..., 3], indices in the vocabulary of the last written unit, the unit that
                follows it in the source (``following_units``), and the first unit of the node;
                negative for none.
        """
        far = distance.clamp(-self.max_distance, self.max_distance) + self.max_distance
        joined = self.joint(node + prefix + self.distance(far))
        if self.training:
            # One mask for all columns of a row: as good, and a mask per entry would cost as much
            # as the layers.
            joined = joined * self.dropout(torch.ones_like(joined[..., :1, :]))
        # One product of matrices takes less time than three.
        heads = (self.operation, self.repeat, self.unit)
        weight = torch.cat([head.weight for head in heads])
        bias = torch.cat([head.bias for head in heads])
        scores = F.linear(joined, weight, bias)
        sizes = [head.out_features for head in heads]
        operation, repeat, unit = torch.split(scores, sizes, dim=-1)
        if unit.size(-1):
            unit = unit.scatter_add(-1, repeats.clamp(min=0), repeat * (repeats >= 0))
        return operation, unit

    def log_probabilities(
        self, node: Tensor, prefix: Tensor, distance: Tensor, repeats: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities of operations [..., 6] and units [..., V].

        Args:
            node: As for :meth:`logits`, like the next three.
            prefix: [..., H].
            distance: [...].
            repeats: [..., 3].
            allowed: [..., 6]; what is not allowed gets about ``IMPOSSIBLE``.
        """
        operation, unit = self.logits(node, prefix, distance, repeats)
        # Half precision cannot represent IMPOSSIBLE.
        wide = torch.promote_types(operation.dtype, torch.float32)
        operation = operation.to(wide).masked_fill(~allowed, IMPOSSIBLE)
        return operation.log_softmax(dim=-1), unit.to(wide).log_softmax(dim=-1)

    def forward(
        self,
        rows: LatticeRows,
        prefix: Tensor,
        target: Tensor,
        repeats: Tensor,
        copies: Tensor,
        allowed: Tensor,
        first: Tensor,
    ) -> EditScores:
        """Score all edits that may lead to given targets.

        Args:
            rows: Q nodes and ends.
            prefix: [B, M + 1, H], the states of each target.
            target: [B, M], indices of its units; negative ones are unknown.
            repeats: [B, M + 1, 2], indices in the vocabulary of the last written unit of each
                prefix, and of the unit that follows it in the source; negative for none.
            copies: [Q, M + 1, 3], whether the target goes on with the units of the node as they
                are, in upper case, in lower case.
            allowed: [Q, 6], by :meth:`allowed_operations`.
            first: [Q], index in the vocabulary of the first unit of each node; negative for none.

        Cost: O(Q M H (H + V)); for long texts, intermediate results are computed again in the
            backward pass, which bounds the memory.
        """
        arguments = (rows.x, rows.text, rows.start, copies, allowed, first)
        known = (prefix, target, repeats)
        blocks = -(-copies[..., 0].numel() // _CELLS)
        if blocks <= 1:
            return EditScores(*self._score(*arguments, *known))
        parts = zip(*(values.chunk(blocks) for values in arguments), strict=True)
        scored = [checkpoint(self._score, *part, *known, use_reentrant=False) for part in parts]
        return EditScores(*(torch.cat(values) for values in zip(*scored, strict=True)))

    def _score(
        self,
        x: Tensor,
        text: Tensor,
        start: Tensor,
        copies: Tensor,
        allowed: Tensor,
        first: Tensor,
        prefix: Tensor,
        target: Tensor,
        repeats: Tensor,
    ) -> tuple[Tensor, ...]:
        column = torch.arange(prefix.size(1), device=target.device)
        node = self.node(self.dropout(x))[:, None]
        here = first[:, None, None].expand(-1, column.numel(), 1)
        operation, unit = self.log_probabilities(
            node,
            prefix[text],
            column - start[:, None],
            torch.cat([repeats[text], here], dim=-1),
            allowed[:, None],
        )
        index = F.pad(target, (0, 1), value=-1)[text]
        write = torch.full_like(operation[..., 0], UNKNOWN_LOG_PROBABILITY)
        if unit.size(2):
            known = unit.gather(2, index.clamp(min=0)[..., None]).squeeze(2)
            write = torch.where(index < 0, write, known)
        copy = torch.where(copies[..., 0], operation[..., KEEP], IMPOSSIBLE)
        if bool(copies[..., 1:].any()):  # most batches have no word whose case changes
            copy = torch.where(copies, operation[..., KEEP:], IMPOSSIBLE).logsumexp(dim=-1)
        substitute, insert = operation[..., SUBSTITUTE] + write, operation[..., INSERT] + write
        return operation[..., DELETE], copy, substitute, insert


def _read(
    reader: nn.LSTM, sequence: Tensor, state: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Read a sequence, on a CPU in the precision of the weights.

    Many processors have no LSTM in the lower precision of autocast.
    """
    with torch.autocast("cpu", enabled=False):
        read: tuple[Tensor, tuple[Tensor, Tensor]]
        read = reader(sequence.to(next(reader.parameters()).dtype), state)
    return read
