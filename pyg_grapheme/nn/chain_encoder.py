"""Recurrence along chains of nodes, in both directions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.utils import to_dense_batch

_SIDE_BY_SIDE = 64
"""Chains, alike in length, that are encoded at once: more gain nothing, and pad one another."""


class ChainEncoder(nn.Module):
    """A bidirectional LSTM over the nodes of chains: message passing that never forgets the order.

    Args:
        in_channels: Features of a node that goes in.
        channels: F, of a node that comes out; even.
        layers: How many.
        dropout: Probability of dropping a feature between layers.

    Shapes: x [N, in_channels], batch [N] (sorted), B graphs -> nodes [N, F], and ends [B, F], which
        have seen the whole chain (zeros for an empty one).
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
        self.channels, self.dropout = channels, dropout

    def reset_parameters(self) -> None:
        """Draw new weights."""
        for recurrence in (*self.forwards, *self.backwards):
            recurrence.reset_parameters()

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> tuple[Tensor, Tensor]:
        """Encode N nodes in B chains."""
        if x.size(0) == 0:
            return x.new_zeros(0, self.channels), x.new_zeros(num_graphs, self.channels)
        dense, inside = to_dense_batch(x, batch, batch_size=num_graphs)
        length = inside.sum(dim=1)
        order = length.argsort(stable=True)
        groups = order.split(_SIDE_BY_SIDE)
        longest = [max(1, int(length[group[-1]])) for group in groups]
        encoded = [
            self._encode(dense[group, :size], length[group])
            for group, size in zip(groups, longest, strict=True)
        ]
        padded = [F.pad(states, (0, 0, 0, longest[-1] - states.size(1))) for states, _ in encoded]
        back = order.argsort()
        states, ends = torch.cat(padded)[back], torch.cat([end for _, end in encoded])[back]
        return states[inside], ends

    def _encode(self, states: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Encode padded chains: states [B, T, F], and ends [B, F]."""
        # Chains are turned round within their own lengths, so that none begins with padding. One
        # call for both directions would need packed sequences, which take a third longer.
        place = torch.arange(states.size(1), device=states.device)
        turned = torch.where(place < length[:, None], length[:, None] - 1 - place, place)[..., None]
        for number, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            if number > 0:
                states = F.dropout(states, self.dropout, self.training)
            there, _ = ahead(states)
            back_again, _ = back(torch.take_along_dim(states, turned, 1))
            states = torch.cat([there, torch.take_along_dim(back_again, turned, 1)], dim=2)
        half = self.channels // 2
        last = (length - 1).clamp(min=0)
        text = torch.arange(length.numel(), device=length.device)
        ends = torch.cat([states[text, last, :half], states[:, 0, half:]], dim=1)
        return states, torch.where(length[:, None] > 0, ends, 0.0)
