"""Recurrence along chains of nodes, in both directions."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch_geometric.utils import cumsum, degree


class ChainEncoder(nn.Module):
    """A bidirectional LSTM over the nodes of chains.

    Args:
        in_channels: Features per input node.
        channels: F, features per output node; even.
        layers: Number of layers.
        dropout: Probability of dropping a feature between layers.

    Shapes: x [N, in_channels], batch [N] (sorted), B graphs -> nodes [N, F], and ends [B, F], which
        have seen the whole chain (zeros for an empty one).

    Cost: O(N F^2) time and O(N F) memory, whatever the lengths are.
    """

    def __init__(
        self, in_channels: int, channels: int, layers: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            in_channels,
            channels // 2,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=True,
        )
        self.channels = channels

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.lstm.reset_parameters()

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> tuple[Tensor, Tensor]:
        """Encode N nodes in B chains."""
        if x.size(0) == 0:
            return x.new_zeros(0, self.channels), x.new_zeros(num_graphs, self.channels)
        length = degree(batch, num_graphs, dtype=torch.long)
        place = torch.arange(x.size(0), device=x.device) - cumsum(length)[batch]
        # A packed sequence holds the first nodes of all chains, the longest chain first, then their
        # second nodes and so on. Unlike a padded one, it does not grow with the longest chain.
        by_length = length.argsort(descending=True)
        rank = by_length.argsort()
        order = (place * num_graphs + rank[batch]).argsort()
        packed = PackedSequence(x[order], torch.bincount(place).cpu())
        states, (hidden, _) = self.lstm(packed)
        encoded = torch.empty_like(states.data).index_copy(0, order, states.data)
        ends = encoded.new_zeros(num_graphs, self.channels)
        ends[by_length[: hidden.size(1)]] = torch.cat([hidden[-2], hidden[-1]], dim=1)
        return encoded, ends
