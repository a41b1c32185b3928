"""Recurrence along chains of nodes, in both directions."""

import torch
from torch import Tensor, nn
from torch_geometric.utils import degree

from pyg_grapheme.text.model.dropout import Dropout

_SIDE_BY_SIDE = 64
"""Chains that are encoded at once at most: more gain nothing, and pad one another."""

_SHORT = 16
"""Chains of so many nodes, or fewer, are as long as one another."""


class ChainEncoder(nn.Module):
    """A bidirectional LSTM over the nodes of chains: message passing that never forgets the order.

    Args:
        in_channels: Features of a node that goes in.
        channels: F, of a node that comes out; even.
        layers: How many.
        dropout: Probability of dropping a feature between layers.

    Shapes: x [N, in_channels], batch [N] (sorted), B graphs -> nodes [N, F], and ends [B, F], which
        have seen the whole chain (zeros for an empty one).

    Cost: O(N F^2) time and O(N F) memory, whatever the lengths are.
    """

    def __init__(
        self, in_channels: int, channels: int, layers: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        sizes = [in_channels] + [channels] * (layers - 1)
        self.forwards, self.backwards = (
            nn.ModuleList(nn.LSTM(size, channels // 2, batch_first=True) for size in sizes)
            for _ in range(2)
        )
        self.channels, self.dropout = channels, Dropout(dropout)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        for recurrence in (*self.forwards, *self.backwards):
            recurrence.reset_parameters()

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> tuple[Tensor, Tensor]:
        """Encode N nodes in B chains."""
        if x.size(0) == 0:
            return x.new_zeros(0, self.channels), x.new_zeros(num_graphs, self.channels)
        length = degree(batch, num_graphs, dtype=torch.long)
        start = length.cumsum(0) - length
        groups = _alike(length)
        encoded, ends, numbers = [], [], []
        for group in groups:
            size = length[group][:, None]
            place = torch.arange(max(1, int(size[-1])), device=x.device)
            inside = place < size
            number = (start[group][:, None] + place)[inside]
            padded = x.new_zeros(*inside.shape, x.size(1))
            padded[inside] = x[number]
            states, end = self._encode(padded, length[group])
            encoded.append(states[inside])
            ends.append(end)
            numbers.append(number)
        back, of_text = torch.cat(numbers).argsort(), torch.cat(groups).argsort()
        return torch.cat(encoded)[back], torch.cat(ends)[of_text]

    def _encode(self, states: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Encode padded chains: states [B, T, F], and ends [B, F]."""
        # Chains are turned round within their own lengths, so that none begins with padding. One
        # call for both directions would need packed sequences, which take a third longer.
        place = torch.arange(states.size(1), device=states.device)
        turned = torch.where(place < length[:, None], length[:, None] - 1 - place, place)[..., None]
        for number, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            if number > 0:
                states = self.dropout(states)
            there, _ = ahead(states)
            back_again, _ = back(torch.take_along_dim(states, turned, 1))
            states = torch.cat([there, torch.take_along_dim(back_again, turned, 1)], dim=2)
        half = self.channels // 2
        last = (length - 1).clamp(min=0)
        text = torch.arange(length.numel(), device=length.device)
        ends = torch.cat([states[text, last, :half], states[:, 0, half:]], dim=1)
        return states, torch.where(length[:, None] > 0, ends, 0.0)


def _alike(length: Tensor) -> tuple[Tensor, ...]:
    """Put chains into groups, the shortest first, of which none is much longer than another."""
    order = length.argsort(stable=True)
    cuts, first, sizes = [], 0, length[order].tolist()
    for place, size in enumerate(sizes):
        if place - first == _SIDE_BY_SIDE or size > 2 * max(sizes[first], _SHORT):
            cuts.append(place)
            first = place
    return torch.tensor_split(order, cuts)
