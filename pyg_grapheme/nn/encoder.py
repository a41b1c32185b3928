"""Message passing along the text and attention within each graph."""

from torch import Tensor, nn
from torch_geometric.nn import DirGNNConv, GPSConv, SAGEConv
from torch_geometric.nn.inits import reset


class GraphEncoder(nn.Module):
    """A stack of PyG's ``GPSConv``: local message passing beside attention over the whole graph.

    The local part is GraphSAGE with separate weights for each direction of the edges (Rossi et al.
    2023), for in a text left is not right; the global part is multi-head attention (Rampášek et
    al. 2022, "Recipe for a general, powerful, scalable graph transformer"). Norms are per node, so
    that graphs, and cuts of graphs, do not see each other.

    Args:
        channels: F.
        layers: How many.
        heads: Attention heads a layer.
        dropout: Probability of dropping a feature.

    Shapes: x [N, F], edge_index [2, E], batch [N] -> [N, F].
    """

    def __init__(
        self, channels: int, layers: int = 2, heads: int = 4, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            GPSConv(
                channels,
                DirGNNConv(SAGEConv(channels, channels, root_weight=False)),
                heads=heads,
                dropout=dropout,
                act="gelu",
                norm="layer_norm",
                norm_kwargs={"mode": "node"},
            )
            for _ in range(layers)
        )

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self.layers)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        """Encode N nodes."""
        if x.size(0) == 0:  # attention asks for the largest graph, and there is none
            return x
        for layer in self.layers:
            x = layer(x, edge_index, batch)
        return x
