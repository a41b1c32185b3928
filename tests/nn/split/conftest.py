"""Random batches of graphs, and the split of a graph in plain Python."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import scatter

Row = list[float]
Edge = tuple[int, int]


class Split(NamedTuple):
    """A split graph: features, edges with their attributes, parents."""

    x: list[Row]
    edges: list[tuple[Edge, Row]]
    parent: list[int]


class Member(NamedTuple):
    """The split of one graph for all thresholds in [low, high), and its probability."""

    high: float
    low: float
    probability: float
    split: Split


def sigmoid(value: float) -> float:
    """Return the logistic function of a number, in full precision."""
    if math.isinf(value):
        return float(value > 0)
    return 0.5 * (1 + math.tanh(value / 2))


@dataclass
class Oracle:
    """The definition of the layer, in numbers and loops.

    Attributes:
        x: Features of the nodes of one graph.
        edges: Directed edges.
        attr: Attributes of the edges.
        weight: W of the children x + W x and x - W x.
        connect: Option of the layer.
    """

    x: list[Row]
    edges: list[Edge]
    attr: list[Row]
    weight: list[Row]
    connect: str

    def split(self, chosen: set[int]) -> Split:
        """Split the chosen nodes."""
        rows: list[Row] = []
        ids: list[list[int]] = []
        for i, row in enumerate(self.x):
            if i in chosen:
                offset = [
                    math.fsum(w * v for w, v in zip(ws, row, strict=True)) for ws in self.weight
                ]
                made = [[a + s * b for a, b in zip(row, offset, strict=True)] for s in (1, -1)]
            else:
                made = [row]
            ids.append([len(rows) + k for k in range(len(made))])
            rows += made
        edges: list[tuple[Edge, Row]] = []
        for (i, j), attr in zip(self.edges, self.attr, strict=True):
            if self.connect == "chain":
                edges.append(((ids[i][-1], ids[j][0]), attr))
            elif i == j:
                edges += [((k, k), attr) for k in ids[i]]
            else:
                edges += [((a, b), attr) for a in ids[i] for b in ids[j]]
        if self.connect == "chain":
            width = len(self.attr[0]) if self.attr else 0
            edges += [((ids[i][0], ids[i][1]), [0.0] * width) for i in sorted(chosen)]
        return Split(rows, edges, [i for i, own in enumerate(ids) for _ in own])

    def members(self, scores: Row, tau: float, temperature: float) -> list[Member]:
        """List the splits of all thresholds, fewest first."""
        steps = [math.inf, *sorted(set(scores), reverse=True), -math.inf]
        above = [sigmoid((s - tau) / temperature) for s in steps]
        return [
            Member(
                high,
                low,
                at_high - at_low,
                self.split({i for i, s in enumerate(scores) if s >= high}),
            )
            for (high, low), (at_high, at_low) in zip(pairwise(steps), pairwise(above), strict=True)
        ]


@pytest.fixture
def make_oracle() -> Callable[..., Oracle]:
    """Make the oracle of one graph of a batch."""

    def make(graphs: Any, graph: int, weight: Tensor, connect: str) -> Oracle:
        nodes = (graphs.batch == graph).nonzero().view(-1).tolist()
        inside = [k for k, u in enumerate(graphs.edge_index[0].tolist()) if u in nodes]
        return Oracle(
            graphs.x[nodes].tolist(),
            [tuple(nodes.index(u) for u in graphs.edge_index[:, k].tolist()) for k in inside],
            graphs.edge_attr[inside].tolist(),
            weight.tolist(),
            connect,
        )

    return make


def loss_of_split(split: Split) -> float:
    """Sum over nodes of sin(sum of x), C^2 / 10, sum over edges of <x_u, x_v> attr."""
    total = math.fsum(math.sin(math.fsum(row)) for row in split.x) + len(split.x) ** 2 / 10
    for (u, v), attr in split.edges:
        total += attr[0] * math.fsum(a * b for a, b in zip(split.x[u], split.x[v], strict=True))
    return total


@pytest.fixture
def oracle_loss() -> Callable[[Split], float]:
    """The loss of a split graph in plain Python."""
    return loss_of_split


@pytest.fixture
def loss_per_graph() -> Callable[..., Tensor]:
    """The same loss of the graphs of an output, as a tensor."""

    def loss(out: NamedTuple, num_graphs: int) -> Tensor:
        node = scatter(out.x.sum(dim=1).sin(), out.batch, dim_size=num_graphs)
        count = scatter(torch.ones_like(out.x[:, 0]), out.batch, dim_size=num_graphs)
        u, v = out.edge_index
        edge = (out.x[u] * out.x[v]).sum(dim=1) * out.edge_attr[:, 0]
        return node + count.square() / 10 + scatter(edge, out.batch[u], dim_size=num_graphs)

    return loss
