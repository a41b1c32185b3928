"""A network that scores undirected edges."""

import torch
from torch import Tensor, nn


class PairNet(nn.Module):
    """A perceptron on the features of pairs, after layers that exchange messages.

    The logit of a pair does not depend on the order of its two nodes. Each layer adds, to the
    hidden features of a pair, what the sum over both ends says, and to those of a node the mean
    over its pairs.

    Args:
        in_channels: F, features per node.
        edge_dim: D, features per pair.
        width: Hidden features.
        num_layers: Layers with messages; 0 to score every pair by itself.

    Attributes:
        dropout: Of the features of a pair; its ``p`` is 0 until it is set.

    Shapes:
        x [N, F], edge_index [2, M], each pair once, edge_attr [M, D] -> [M].
    """

    def __init__(self, in_channels: int, edge_dim: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.0)
        self.edge_encoder = nn.Linear(edge_dim, width)
        self.node_encoder = nn.Linear(in_channels, width) if num_layers else None
        self.layers = nn.ModuleList(PairNetLayer(width) for _ in range(num_layers))
        self.head = nn.Sequential(
            nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return a logit per pair."""
        edge = self.edge_encoder(self.dropout(edge_attr))
        if self.node_encoder is not None:
            node = self.node_encoder(x)
            for layer in self.layers:
                node, edge = layer(node, edge_index, edge)
        logits: Tensor = self.head(edge).squeeze(-1)
        return logits


class PairNetLayer(nn.Module):
    """One exchange of messages, with skip connections.

    Shapes:
        node [N, F], edge_index [2, M], edge [M, F] -> node [N, F], edge [M, F].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.node_update = nn.Sequential(nn.ReLU(), nn.Linear(2 * width, width))
        self.edge_update = nn.Sequential(nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, node: Tensor, edge_index: Tensor, edge: Tensor) -> tuple[Tensor, Tensor]:
        """Return the new nodes and pairs."""
        ends = edge_index.reshape(-1)
        total = torch.zeros_like(node).index_add(0, ends, edge.repeat(2, 1))
        degree = torch.bincount(ends, minlength=node.size(0)).clamp(min=1)
        mean = total / degree[:, None].to(total.dtype)
        node = node + self.node_update(torch.cat([node, mean], dim=1))
        both = node.index_select(0, edge_index[0]) + node.index_select(0, edge_index[1])
        return node, edge + self.edge_update(torch.cat([both, edge], dim=1))
