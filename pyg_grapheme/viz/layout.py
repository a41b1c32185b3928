"""Positions of nodes in a figure."""

import networkx as nx
import torch
from torch import Tensor


def place_nodes(edge_index: Tensor, num_nodes: int, position: Tensor | None = None) -> Tensor:
    """Return positions [N, 2]: those given, or else a spring layout by networkx."""
    if position is not None:
        return position.detach().cpu()
    graph = nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    graph.add_edges_from(edge_index.T.tolist())
    layout = nx.spring_layout(graph, seed=0)
    return torch.tensor([list(layout[i]) for i in range(num_nodes)]).reshape(-1, 2)
