"""The features of the workloads: they decide how similar the ends of an edge are."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.utils import to_undirected

from benchmarks.pools.graphs import Graph

FEATURES = 64


def smooth_features(graph: Graph) -> Tensor:
    """Add the noise of each node and its neighbours: ends of an edge are similar. [N, F]."""
    num_nodes = graph.batch.numel()
    noise = torch.randn(num_nodes, FEATURES)
    low, high = to_undirected(graph.edge_index, num_nodes=num_nodes)
    return noise.clone().index_add_(0, low, noise[high])


def close_features(graph: Graph) -> Tensor:
    """Add a constant, so that every cosine is large. [N, F]."""
    return smooth_features(graph) + 3


def equal_features(graph: Graph) -> Tensor:
    """Give all nodes the same features, so that all pairs tie. [N, F]."""
    return torch.randn(1, FEATURES).repeat(graph.batch.numel(), 1)


def similar_features(graph: Graph) -> Tensor:
    """Add one vector to the noise of all nodes: any two are similar, by varying amounts. [N, F]."""
    return torch.randn(graph.batch.numel(), FEATURES) + torch.randn(FEATURES)


def turning_features(graph: Graph) -> Tensor:
    """Rotate the features from node to node, so that the cosines fall along the chain.

    The cosines are spaced evenly in (0.51, 0.99): 4.8e-7 apart for 1e6 nodes, eight times the
    spacing of float32 there, so that they fall strictly.

    Returns:
        [N, F].
    """
    num_nodes = graph.batch.numel()
    cosine = torch.linspace(0.99, 0.51, num_nodes - 1, dtype=torch.double)
    angle = F.pad(cosine.acos().cumsum(0), (1, 0))
    plane = torch.linalg.qr(torch.randn(FEATURES, 2, dtype=torch.double)).Q
    x: Tensor = torch.stack([angle.cos(), angle.sin()], 1) @ plane.T
    return x.float()


def pair_cosines(x: Tensor, edge_index: Tensor) -> Tensor:
    """Return the cosine of each pair, [M], in blocks to save memory; a pair is an edge i < j."""
    low, high = edge_index[:, edge_index[0] < edge_index[1]]
    pairs = zip(low.split(10**5), high.split(10**5), strict=True)
    return torch.cat([F.cosine_similarity(x[i], x[j]) for i, j in pairs])
