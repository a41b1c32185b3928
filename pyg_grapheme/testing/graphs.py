"""Graphs to test pools with."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_grapheme.options import expect_at_least, expect_count


def tie_free_graph(
    num_nodes: int = 8,
    *,
    features: int = 3,
    edges_per_node: float = 1.5,
    seed: int = 0,
    acyclic: bool = False,
    margin: float = 1e-3,
) -> Data:
    """Draw a graph in float64 in which no two pairs of nodes are equally similar.

    The cosines of all pairs of nodes differ by at least ``margin``, and so do nearly all other
    scores. A small step then changes no order of scores, so that central differences are valid.

    Args:
        num_nodes: Number of nodes n; above a dozen, the margin is hard to keep.
        features: Number of features F per node.
        edges_per_node: Number of directed edges divided by n; repeated edges and self-loops occur.
        seed: Seed of the generator.
        acyclic: Draw a directed acyclic graph whose node ids are a topological order.
        margin: Smallest difference of two cosines.

    Returns:
        ``x`` [n, F], ``edge_index`` [2, E], ``edge_attr`` [E, 2].

    Raises:
        ValueError: if a number is not as expected, or 1,000 attempts find no such features.
    """
    expect_count("num_nodes", num_nodes, 0)
    expect_count("features", features)
    expect_at_least("edges_per_node", edges_per_node, 0)
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
        f"Expected 'margin' to be small enough for {num_nodes} nodes of {features} features "
        f"(got {margin})"
    )


def tie_free_batch(sizes: tuple[int, ...] = (6, 1, 4), *, seed: int = 0, **options: Any) -> Batch:
    """Draw a batch of graphs of these sizes, each by :func:`tie_free_graph`."""
    graphs = [tie_free_graph(n, seed=1000 * seed + i, **options) for i, n in enumerate(sizes)]
    return Batch.from_data_list(graphs)


def degenerate_graphs(features: int = 3) -> dict[str, Data]:
    """Return graphs of edge cases by name, in float64."""
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


@dataclass(frozen=True)
class TestGraphs:
    """The graphs that every check gets.

    Attributes:
        batch: Graphs of 6, 1 and 5 nodes.
        gap: Graphs of 4 and 3 nodes, with an empty graph between them.
        sparse: 8 nodes, 12 edges.
        dense: 9 nodes, 27 edges, with self-loops and repeated edges.
        edgeless: 6 nodes.
        path: 9 nodes, joined in both directions.
        star: 9 nodes, one edge from the first to each other.
        degenerate: The graphs of :func:`degenerate_graphs`.
    """

    __test__ = False  # pytest does not collect it

    batch: Batch
    gap: Batch
    sparse: Data
    dense: Data
    edgeless: Data
    path: Data
    star: Data
    degenerate: dict[str, Data]

    def to(self, device: torch.device, dtype: torch.dtype) -> "TestGraphs":
        """Copy the graphs to a device, with features of a dtype."""

        def copy(data: Data) -> Any:
            return data.clone().apply(
                lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype)
            )

        graphs = dict(vars(self))
        degenerate = {name: copy(graph) for name, graph in graphs.pop("degenerate").items()}
        return TestGraphs(
            **{name: copy(graph) for name, graph in graphs.items()}, degenerate=degenerate
        )


def draw_test_graphs(features: int) -> TestGraphs:
    """Draw the graphs in float64 on the CPU.

    Args:
        features: Number of features per node, at least 2.

    Raises:
        ValueError: if ``features`` is below 2: all cosines of one feature are 1 or -1.
    """
    if isinstance(features, bool) or not isinstance(features, int) or features < 2:
        raise ValueError(
            "Expected 'features' to be an int of at least 2, as all cosines of one feature are 1 "
            f"or -1 (got {features!r})"
        )
    # With more features, random cosines are closer to 0 and so to each other.
    margin = 1e-3 * min(1.0, math.sqrt(3 / features))
    steps = torch.arange(8)
    forth = torch.stack([steps, steps + 1])
    nine = tie_free_graph(9, features=features, margin=margin).x
    return TestGraphs(
        batch=tie_free_batch((6, 1, 5), features=features, margin=margin),
        gap=tie_free_batch((4, 0, 3), features=features, margin=margin),
        sparse=tie_free_graph(8, features=features, margin=margin),
        dense=tie_free_graph(9, features=features, margin=margin, edges_per_node=3),
        edgeless=tie_free_graph(6, features=features, margin=margin, edges_per_node=0),
        path=Data(x=nine, edge_index=torch.cat([forth, forth.flip(0)], 1)),
        star=Data(x=nine, edge_index=torch.stack([torch.zeros_like(steps), steps + 1])),
        degenerate=degenerate_graphs(features),
    )
