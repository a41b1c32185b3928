"""Random graphs, as PyG and as networkx has them."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data


@pytest.fixture
def draw_graph() -> Callable[..., Data]:
    """Draw small graphs with three labels; an undirected edge is there both ways, or one way."""
    rng = np.random.default_rng(0)

    def draw(max_nodes: int, *, loops: bool = True) -> Data:
        n = int(rng.integers(max_nodes + 1))
        arcs = rng.random((n, n)) < rng.choice([0.2, 0.4])
        if not loops:
            np.fill_diagonal(arcs, False)
        return Data(
            num_nodes=n,
            label=torch.from_numpy(rng.integers(-2, 1, n)),
            edge_index=torch.from_numpy(np.stack(arcs.nonzero())),
        )

    return draw


@pytest.fixture
def to_networkx() -> Callable[..., nx.Graph]:
    """Write a graph down with ``label`` on its nodes."""

    def write(graph: Data, *, directed: bool) -> nx.Graph:
        found = nx.DiGraph() if directed else nx.Graph()
        labels = enumerate(graph.label.tolist())
        found.add_nodes_from((node, {"label": label}) for node, label in labels)
        found.add_edges_from(graph.edge_index.t().tolist())
        return found

    return write
