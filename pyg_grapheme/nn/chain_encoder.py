"""Recurrence along chains of nodes, in both directions."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_geometric.utils import to_dense_batch


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
        self.recurrence = nn.LSTM(
            in_channels,
            channels // 2,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=True,
        )

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.recurrence.reset_parameters()

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> tuple[Tensor, Tensor]:
        """Encode N nodes in B chains."""
        channels = 2 * self.recurrence.hidden_size
        if x.size(0) == 0:
            return x.new_zeros(0, channels), x.new_zeros(num_graphs, channels)
        padded, inside = to_dense_batch(x, batch, batch_size=num_graphs)
        length = inside.sum(dim=1)
        packed = pack_padded_sequence(
            padded, length.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, (last, _) = self.recurrence(packed)
        states, _ = pad_packed_sequence(states, batch_first=True)
        ends = torch.cat([last[-2], last[-1]], dim=1)
        return states[inside], torch.where(length[:, None] > 0, ends, 0.0)
