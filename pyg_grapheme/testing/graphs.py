"""Graphs to test pools with."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data


def tie_free_graph(
    num_nodes: int = 8,
    *,
    features: int = 3,
    edges_per_node: float = 1.5,
    seed: int = 0,
    acyclic: bool = False,
    margin: float = 1e-3,
) -> Data:
    """Draw a graph in float64 whose nodes are all alike to different degrees.

    The cosines of all pairs of nodes differ by ``margin`` at least, and so do nearly all other
    scores of them: a small step changes no order, and central differences mean something.

    Args:
        num_nodes: n; the margin is hard to keep for more than a dozen nodes.
        features: Of a node.
        edges_per_node: Directed edges over nodes; repeats and self-loops may be among them.
        seed: Of the generator.
        acyclic: Draw a DAG, whose numbers are a topological order.
        margin: Least distance of two cosines.

    Returns:
        ``x`` [n, features], ``edge_index`` [2, E], ``edge_attr`` [E, 2].

    Raises:
        ValueError: if no such features were found in 1,000 attempts.
    """
    generator = torch.Generator().manual_seed(seed)
    x = _spread_features(num_nodes, features, generator, margin)
    count = round(num_nodes * edges_per_node) if num_nodes else 0
    edges = torch.randint(max(num_nodes, 1), (2, count), generator=generator)
    if acyclic:
        edges = edges.sort(dim=0).values
        edges = edges[:, edges[0] < edges[1]]
    attr = torch.randn(edges.size(1), 2, generator=generator, dtype=torch.double)
    return Data(x=x, edge_index=edges, edge_attr=attr)


def _spread_features(
    num_nodes: int, features: int, generator: torch.Generator, margin: float
) -> Tensor:
    for _ in range(1000):
        x = torch.randn(num_nodes, features, generator=generator, dtype=torch.double)
        unit = torch.nn.functional.normalize(x, dim=1)
        low, high = torch.triu_indices(num_nodes, num_nodes, 1)
        score = (unit[low] * unit[high]).sum(1).sort().values
        if bool((score.diff() > margin).all()):
            return x
    raise ValueError(
        f"Expected 'margin' to leave room for {num_nodes} nodes of {features} features "
        f"(got {margin})"
    )


def tie_free_batch(sizes: tuple[int, ...] = (6, 1, 4), *, seed: int = 0, **options: Any) -> Batch:
    """Draw graphs of these sizes, each as :func:`tie_free_graph` does, in a batch."""
    graphs = [tie_free_graph(n, seed=1000 * seed + i, **options) for i, n in enumerate(sizes)]
    return Batch.from_data_list(graphs)


def degenerate_graphs(features: int = 3) -> dict[str, Data]:
    """Graphs that layers forget about, by name, in float64."""
    none = torch.empty(2, 0, dtype=torch.long)
    x = torch.randn(4, features, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    return {
        "no nodes": Data(x=x[:0], edge_index=none),
        "one node": Data(x=x[:1], edge_index=none),
        "one node with a self-loop": Data(x=x[:1], edge_index=none.new_zeros(2, 1)),
        "no edges": Data(x=x, edge_index=none),
        "isolated nodes": Data(x=x, edge_index=path[:, :1]),
        "self-loops only": Data(x=x, edge_index=torch.arange(4).repeat(2, 1)),
        "repeated edges": Data(x=x, edge_index=path.repeat(1, 3)),
        "one way": Data(x=x, edge_index=path),
        "both ways": Data(x=x, edge_index=torch.cat([path, path.flip(0)], 1)),
        "zero features": Data(x=torch.zeros_like(x), edge_index=path),
        "equal features": Data(x=x[:1].expand(4, -1).clone(), edge_index=path),
    }
