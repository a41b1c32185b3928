"""Random batches of graphs, and the split of a graph in plain Python."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import scatter

Row = list[float]
Edge = tuple[int, int]


class Graphs(NamedTuple):
    """A batch as the layer takes it."""

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    batch: Tensor
    batch_size: int

    def repeat(self, times: int) -> "Graphs":
        """All of them again and again, in one batch."""
        copies = torch.arange(times)
        edges = self.edge_index[:, None] + (copies * len(self.x))[None, :, None]
        return Graphs(
            self.x.repeat(times, 1),
            edges.reshape(2, -1),
            self.edge_attr.repeat(times, 1),
            (self.batch + copies[:, None] * self.batch_size).view(-1),
            times * self.batch_size,
        )


@pytest.fixture
def draw_graphs() -> Callable[..., Graphs]:
    """Draw directed graphs with repeated edges and self-loops, edges shuffled."""

    def draw(seed: int, sizes: Sequence[int], edges_per_node: float = 2.0) -> Graphs:
        generator = torch.Generator().manual_seed(seed)
        edges, first = [torch.empty(2, 0, dtype=torch.long)], 0
        for size in sizes:
            count = int(size * edges_per_node)
            edges.append(first + torch.randint(max(size, 1), (2, count), generator=generator))
            first += size
        edge_index = torch.cat([*edges, edges[-1][:, :2]], dim=1)
        edge_index = edge_index[:, torch.randperm(edge_index.size(1), generator=generator)]
        return Graphs(
            x=torch.randn(first, 3, generator=generator, dtype=torch.double),
            edge_index=edge_index,
            edge_attr=torch.randn(edge_index.size(1), 2, generator=generator, dtype=torch.double),
            batch=torch.repeat_interleave(torch.tensor(sizes)),
            batch_size=len(sizes),
        )

    return draw


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

    def make(graphs: Graphs, graph: int, weight: Tensor, connect: str) -> Oracle:
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
