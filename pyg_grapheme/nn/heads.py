"""Edit heads: what happens to each grapheme and at each gap."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_geometric.nn.inits import reset

from pyg_grapheme.nn.gaps import gap_features


class EditLogits(NamedTuple):
    """Scores of the edits of a batch of texts.

    Attributes:
        operation: [N, 2 + V]: keep, delete, or one of V graphemes instead.
        opens: [N + B], whether anything is inserted at a gap.
        gap: [N + B, F], state from which the insertion at a gap is spelled.
        batch: [N], the text of each grapheme.
        gap_batch: [N + B], the text of each gap.
    """

    operation: Tensor
    opens: Tensor
    gap: Tensor
    batch: Tensor
    gap_batch: Tensor


class EditHeads(nn.Module):
    """Score the edits of a text from the features of its graphemes.

    Every grapheme is classified; every gap says whether it opens, and a small recurrent network
    spells what is inserted there, grapheme by grapheme, until it writes the end.

    Args:
        channels: F.
        vocabulary_size: V, graphemes that can be written.
        dropout: Probability of dropping a feature.
    """

    def __init__(self, channels: int, vocabulary_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.start = nn.Parameter(torch.empty(channels))
        self.end = nn.Parameter(torch.empty(channels))
        self.operation = nn.Sequential(
            nn.Linear(channels, channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(channels, 2 + vocabulary_size),
        )
        self.gap = nn.Sequential(nn.Linear(2 * channels, channels), nn.GELU(), nn.Dropout(dropout))
        self.opens = nn.Linear(channels, 1)
        # Row V of the embedding stands before the first grapheme; output V is the end.
        self.written = nn.Embedding(vocabulary_size + 1, channels)
        self.speller = nn.GRU(2 * channels, channels, batch_first=True)
        self.spelled = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, vocabulary_size + 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.start, std=0.5)
        nn.init.normal_(self.end, std=0.5)
        for module in self.children():
            reset(module)

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> EditLogits:
        """Score the edits of N graphemes [N, F] in B texts."""
        gaps = gap_features(x, batch, num_graphs, self.start, self.end)
        gap = self.gap(gaps.x)
        return EditLogits(self.operation(x), self.opens(gap).squeeze(-1), gap, batch, gaps.batch)

    def spell(self, gap: Tensor, length: Tensor, grapheme: Tensor) -> Tensor:
        """Score insertions that are given, for training.

        Args:
            gap: [G, F], states of the G gaps at which something is inserted.
            length: [G], graphemes inserted at each.
            grapheme: [S], numbers of the graphemes, gap after gap; negative ones are unknown.

        Returns:
            [S + G, V + 1]: logits of each grapheme and of the end behind it, gap after gap.
        """
        # What was written before each step: nothing at first, then the graphemes in turn.
        row = torch.repeat_interleave(length)
        place = torch.arange(row.numel(), device=row.device) - (length.cumsum(0) - length)[row]
        steps = int(length.max()) + 1
        before = grapheme.new_full((length.numel(), steps), self.vocabulary_size)
        before[row, place + 1] = torch.where(grapheme < 0, self.vocabulary_size, grapheme)
        inputs = torch.cat([self.written(before), gap[:, None].expand(-1, steps, -1)], dim=2)
        packed = pack_padded_sequence(
            inputs, (length + 1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = self.speller(packed, torch.tanh(gap)[None])
        padded, _ = pad_packed_sequence(states, batch_first=True)
        inside = torch.arange(steps, device=length.device) <= length[:, None]
        logits: Tensor = self.spelled(padded[inside])
        return logits

    def write(self, gap: Tensor, max_length: int) -> Tensor:
        """Spell the likeliest insertion at each gap, one grapheme after the other.

        Args:
            gap: [G, F].
            max_length: Graphemes at which to stop at the latest.

        Returns:
            [G, L] numbers of graphemes, V at and behind the end, L <= max_length.
        """
        end = self.vocabulary_size
        last = torch.full((gap.size(0),), end, device=gap.device)
        state = torch.tanh(gap)[None].contiguous()
        done = torch.zeros_like(last, dtype=torch.bool)
        written: list[Tensor] = []
        while len(written) < max_length and not bool(done.all()):
            step = torch.cat([self.written(last), gap], dim=1)[:, None]
            output, state = self.speller(step, state)
            last = self.spelled(output[:, 0]).argmax(-1).masked_fill(done, end)
            done = done | (last == end)
            written.append(last)
        return torch.stack(written, 1) if written else last[:, None][:, :0]
