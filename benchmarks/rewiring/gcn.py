"""The network of all methods: two graph convolutions."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm


class GCN(nn.Module):
    """Two layers of ``GCNConv`` with a ReLU and dropout between them, as in DeepRobust.

    ``network(network.project(x), edge_index)`` classifies the nodes. The projection does not depend
    on the edges: many graphs on the same nodes share it.
    """

    def __init__(self, num_features: int, num_classes: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.first = GCNConv(num_features, hidden)
        self.second = GCNConv(hidden, num_classes)
        self.dropout = dropout

    def project(self, x: Tensor) -> Tensor:
        """Return the features times the weight of the first layer, [N, hidden]."""
        projected: Tensor = self.first.lin(x)
        return projected

    def forward(self, projected: Tensor, edge_index: Tensor) -> Tensor:
        """Return the logits of the classes, [N, C].

        Args:
            projected: [N, hidden].
            edge_index: [2, E].
        """
        edges = gcn_norm(edge_index, None, projected.size(0), dtype=projected.dtype)
        hidden = F.relu(_propagate(self.first, projected, *edges))
        hidden = F.dropout(hidden, self.dropout, self.training)
        return _propagate(self.second, self.second.lin(hidden), *edges)


def _propagate(layer: GCNConv, x: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
    """Return what a layer computes of projected features."""
    out: Tensor = layer.propagate(edge_index, x=x, edge_weight=weight) + layer.bias
    return out
