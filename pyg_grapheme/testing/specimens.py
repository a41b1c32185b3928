"""The graphs that a pool is put through, drawn before it sees any."""

import math
from typing import Any, NamedTuple

import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.testing.graphs import degenerate_graphs, tie_free_batch, tie_free_graph


class Specimens(NamedTuple):
    """One of each kind.

    Attributes:
        batch: Graphs of 6, 1 and 5 nodes.
        gap: Graphs of 4 and 3 nodes, and an empty one between them.
        sparse: 8 nodes, 12 edges.
        dense: 9 nodes, 27 edges, some of them loops or there twice.
        edgeless: 6 nodes.
        path: 9 nodes in a row, edges both ways.
        star: 9 nodes, an edge from the first to each other one.
        degenerate: What layers forget about, by name.
    """

    batch: Batch
    gap: Batch
    sparse: Data
    dense: Data
    edgeless: Data
    path: Data
    star: Data
    degenerate: dict[str, Data]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Specimens":
        """Copy them to a device, in a precision."""
        graphs = self._asdict()
        degenerate = graphs.pop("degenerate")
        return Specimens(
            **{name: _moved(graph, device, dtype) for name, graph in graphs.items()},
            degenerate={name: _moved(g, device, dtype) for name, g in degenerate.items()},
        )


def draw_specimens(features: int) -> Specimens:
    """Draw them, in float64, on the CPU.

    Args:
        features: Of a node, two at least.

    Raises:
        ValueError: for one feature, of which all cosines tie.
    """
    if isinstance(features, bool) or not isinstance(features, int) or features < 2:
        raise ValueError(
            "Expected 'features' to be an int, at least 2, for of one all cosines are 1 or -1 "
            f"(got {features!r})"
        )
    # The more features, the closer random cosines are to 0, and so to each other.
    margin = 1e-3 * min(1.0, math.sqrt(3 / features))
    steps = torch.arange(8)
    forth = torch.stack([steps, steps + 1])
    nine = tie_free_graph(9, features=features, margin=margin).x
    return Specimens(
        batch=tie_free_batch((6, 1, 5), features=features, margin=margin),
        gap=tie_free_batch((4, 0, 3), features=features, margin=margin),
        sparse=tie_free_graph(8, features=features, margin=margin),
        dense=tie_free_graph(9, features=features, margin=margin, edges_per_node=3),
        edgeless=tie_free_graph(6, features=features, margin=margin, edges_per_node=0),
        path=Data(x=nine, edge_index=torch.cat([forth, forth.flip(0)], 1)),
        star=Data(x=nine, edge_index=torch.stack([torch.zeros_like(steps), steps + 1])),
        degenerate=degenerate_graphs(features),
    )


def _moved(data: Data, device: torch.device, dtype: torch.dtype) -> Any:
    return data.clone().apply(lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype))
