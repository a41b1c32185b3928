"""The network that scores edges: the same for every method."""

import torch
from torch import Tensor, nn


class EdgeNet(nn.Module):
    """An interaction network (Battaglia et al. 2016) that returns a logit per edge.

    Every layer updates the edges from their ends, then the nodes from the sums of the edges that
    enter and leave them.

    Args:
        in_channels: Node features.
        edge_dim: Edge features.
        width: Hidden features of nodes and edges.
        num_layers: Layers.

    Shapes:
        x [N, F], edge_index [2, E], edge_attr [E, D] -> [E].
    """

    def __init__(self, in_channels: int, edge_dim: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.node_encoder = _mlp(in_channels, width)
        self.edge_encoder = _mlp(edge_dim, width)
        self.layers = nn.ModuleList(EdgeNetLayer(width) for _ in range(num_layers))
        # Nothing reads the last nodes: DDP would wait for the gradients of these weights.
        self.layers[-1].node_update.requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return a logit per edge."""
        node, edge = self.node_encoder(x), self.edge_encoder(edge_attr)
        for layer in self.layers:
            node, edge = layer(node, edge_index, edge)
        logits: Tensor = self.head(edge).squeeze(-1)
        return logits


class EdgeNetLayer(nn.Module):
    """One update of edges and nodes, each with a skip connection.

    Shapes:
        node [N, F], edge_index [2, E], edge [E, F] -> node [N, F], edge [E, F].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        # A linear map of an edge and its ends: the ends are mapped as nodes, which are fewer.
        self.of_edge = nn.Linear(width, width)
        self.of_ends = nn.Linear(width, 2 * width, bias=False)
        self.edge_update = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width))
        self.node_update = _mlp(3 * width, width)

    def forward(self, node: Tensor, edge_index: Tensor, edge: Tensor) -> tuple[Tensor, Tensor]:
        """Return the new nodes and edges."""
        hidden = self.of_edge(edge)
        for end, mapped in zip(edge_index, self.of_ends(node).chunk(2, dim=1), strict=True):
            hidden = hidden + mapped.index_select(0, end)
        edge = edge + self.edge_update(hidden)
        sums = (torch.zeros_like(node).index_add(0, end, edge) for end in edge_index)
        return node + self.node_update(torch.cat([node, *sums], dim=1)), edge


def _mlp(in_channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(in_channels, width), nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width)
    )
