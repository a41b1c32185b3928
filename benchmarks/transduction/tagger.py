"""An LSTM that tags each unit with its edit: the baseline of the text model."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from benchmarks.transduction.data import Pair
from pyg_grapheme.text import Edits
from pyg_grapheme.text.edits import Operation

Units = tuple[str, ...]

PAD, START, END, UNKNOWN = range(4)
"""Ids of padding, marks and unknown units."""

IGNORED = -100
"""The label of padding; the loss skips it."""


class Inventory(NamedTuple):
    """The ids of all units, tags, operations and insertions seen in training."""

    units: dict[str, int]
    tags: dict[str, int]
    operations: dict[Operation, int]
    insertions: dict[Units, int]


def collect_inventory(pairs: Iterable[Pair], labels: Iterable[Edits]) -> Inventory:
    """Assign ids in order of appearance."""
    pairs, labels = list(pairs), list(labels)
    units = dict.fromkeys(unit for pair in pairs for unit in pair.source)
    tags = dict.fromkeys(tag for pair in pairs for tag in pair.tags)
    operations = dict.fromkeys([None, "", *(o for each in labels for o in each.operations)])
    insertions = dict.fromkeys([(), *(gap for each in labels for gap in each.insertions)])
    return Inventory(
        {unit: i for i, unit in enumerate(units, start=UNKNOWN + 1)},
        {tag: i for i, tag in enumerate(tags)},
        {operation: i for i, operation in enumerate(operations)},
        {insertion: i for i, insertion in enumerate(insertions)},
    )


class Batch(NamedTuple):
    """B texts of at most n units.

    Attributes:
        units: [B, n + 2], ids of the units between START and END.
        length: [B], number of units with START and END.
        tags: [B, tags], 1.0 where a text has a tag.
    """

    units: Tensor
    length: Tensor
    tags: Tensor


def make_batch(pairs: Sequence[Pair], inventory: Inventory) -> Batch:
    """Look up the ids of units and tags; unknown tags are left out."""
    rows = [
        torch.tensor([START, *(inventory.units.get(u, UNKNOWN) for u in pair.source), END])
        for pair in pairs
    ]
    tags = torch.zeros(len(pairs), len(inventory.tags))
    for row, pair in enumerate(pairs):
        tags[row, [inventory.tags[tag] for tag in pair.tags if tag in inventory.tags]] = 1.0
    return Batch(pad_sequence(rows, batch_first=True), torch.tensor([*map(len, rows)]), tags)


def label_batch(labels: Sequence[Edits], inventory: Inventory) -> tuple[Tensor, Tensor]:
    """Look up the ids of the labels: operations [B, n] and insertions [B, n + 1]."""
    operations = [torch.tensor([inventory.operations[o] for o in e.operations]) for e in labels]
    insertions = [torch.tensor([inventory.insertions[g] for g in e.insertions]) for e in labels]
    first, second = (
        pad_sequence(rows, batch_first=True, padding_value=IGNORED)
        for rows in (operations, insertions)
    )
    return first, second


class Tagger(nn.Module):
    """A bidirectional LSTM over the embeddings of units plus those of the tags of the text.

    Args:
        inventory: Ids of inputs and outputs.
        channels: Features of an embedding.
        hidden: Features of one direction of the LSTM.
        layers: Layers of the LSTM.
        dropout: Probability of dropping a feature.
    """

    def __init__(
        self,
        inventory: Inventory,
        channels: int = 128,
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        count = UNKNOWN + 1 + len(inventory.units)
        self.embedding = nn.Embedding(count, channels, padding_idx=PAD)
        self.tags = nn.Embedding(len(inventory.tags), channels)
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(
            channels, hidden, layers, batch_first=True, bidirectional=True, dropout=between
        )
        self.operations = nn.Linear(2 * hidden, len(inventory.operations))
        self.insertions = nn.Linear(4 * hidden, len(inventory.insertions))
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Score the operations [B, n, O] and, in the gaps between units, insertions [B, n + 1, I].

        A gap sees the units on both of its sides.
        """
        x = self.embedding(batch.units) + (batch.tags @ self.tags.weight)[:, None]
        packed = pack_padded_sequence(
            self.dropout(x), batch.length, batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        states = self.dropout(states)
        gaps = torch.cat([states[:, :-1], states[:, 1:]], dim=-1)
        return self.operations(states[:, 1:-1]), self.insertions(gaps)
